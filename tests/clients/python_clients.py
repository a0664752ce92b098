"""Asks a running server with clients that were written for other servers.

    python python_clients.py CLIENT...

`VIZSLA_URL` is the server, which has a writable index `notes`; `VIZSLA` the program and `VIZSLA_INDEX` a folder with the same
documents, for clients that start it themselves. Each client is a function here, and needs the packages that
`cargo xtask clients` installs for it.
"""

import asyncio
import json
import os
import sys
import time

URL = os.environ["VIZSLA_URL"]
QUERY = "which dog retrieves?"
TEXTS = ["A vizsla is a dog that points and retrieves.", "The train to the coast leaves at noon."]


def cohere():
    import cohere as sdk

    for client in (sdk.Client(api_key="k", base_url=URL), sdk.ClientV2(api_key="k", base_url=URL)):
        answer = client.rerank(model="m", query=QUERY, documents=list(reversed(TEXTS)), top_n=1)
        assert [result.index for result in answer.results] == [1], answer
        assert 0.5 < answer.results[0].relevance_score <= 1
        try:
            client.rerank(model="m", query="", documents=TEXTS)
        except sdk.errors.BadRequestError as error:
            assert "empty" in error.body["message"]
        else:
            raise AssertionError("an empty query was answered")
    return sdk.__version__


def litellm():
    import litellm as sdk

    for provider in ("cohere", "jina_ai", "hosted_vllm", "huggingface", "voyage"):
        answer = sdk.rerank(
            model=f"{provider}/m", query=QUERY, documents=TEXTS, top_n=1, api_key="k", api_base=URL
        )
        assert answer.results[0]["index"] == 0, (provider, answer)
    return "cohere, jina_ai, hosted_vllm, huggingface, voyage"


def langchain_cohere():
    from langchain_cohere import CohereRerank
    from langchain_core.documents import Document

    ranker = CohereRerank(model="m", cohere_api_key="k", base_url=URL, top_n=2)
    found = ranker.compress_documents([Document(page_content=text) for text in TEXTS], QUERY)
    assert found[0].page_content == TEXTS[0]


def llamaindex():
    from llama_index.core.schema import NodeWithScore, TextNode
    from llama_index.postprocessor.jinaai_rerank import JinaRerank
    from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

    nodes = [NodeWithScore(node=TextNode(text=text), score=0.1) for text in reversed(TEXTS)]
    for ranker in (
        TextEmbeddingInference(base_url=URL, top_n=2, auth_token="Bearer k"),
        JinaRerank(base_url=f"{URL}/v1", api_key="k", model="m", top_n=2),
    ):
        found = ranker.postprocess_nodes(nodes, query_str=QUERY)
        assert found[0].node.text == TEXTS[0], ranker
    return "TEI, Jina"


def haystack():
    from haystack import Document
    from haystack.utils import Secret
    from haystack_integrations.components.rankers.cohere import CohereRanker
    from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker
    from haystack_integrations.components.rankers.jina import JinaRanker

    key = Secret.from_token("k")
    documents = [Document(content=text) for text in reversed(TEXTS)]
    for ranker in (
        HuggingFaceTEIRanker(url=URL, top_k=2, token=key),
        CohereRanker(model="m", api_key=key, api_base_url=URL, top_k=2),
        JinaRanker(api_key=key, base_url=f"{URL}/v1/rerank"),
    ):
        found = ranker.run(query=QUERY, documents=documents)["documents"]
        assert found[0].content == TEXTS[0], ranker
    return "TEI, Cohere, Jina"


def rerankers():
    from rerankers.models.api_rankers import APIRanker

    for provider, path in (("text-embeddings-inference", "/rerank"), ("cohere", "/v2/rerank"), ("jina", "/v1/rerank"), ("voyage", "/v1/rerank")):
        ranked = APIRanker("m", "k", api_provider=provider, url=URL + path).rank(QUERY, list(reversed(TEXTS)))
        assert ranked.top_k(1)[0].document.text == TEXTS[0], provider
    return "TEI, Cohere, Jina, Voyage"


def voyageai():
    import voyageai as sdk

    answer = sdk.Client(api_key="k", base_url=f"{URL}/v1").rerank(QUERY, TEXTS, model="m", top_k=1)
    assert answer.results[0].index == 0


def infinity():
    import urllib.request

    body = json.dumps({"query": QUERY, "documents": TEXTS, "model": "m", "raw_scores": False}).encode()
    request = urllib.request.Request(f"{URL}/rerank", body, {"Content-Type": "application/json"})
    answer = json.load(urllib.request.urlopen(request))
    assert answer["results"][0]["index"] == 0


def dify():
    from dify_plugin.interfaces.model.openai_compatible.rerank import OAICompatRerankModel as Model

    Model.__abstractmethods__ = frozenset()
    found = Model.__new__(Model)._invoke("m", {"endpoint_url": f"{URL}/v1", "api_key": "k"}, QUERY, TEXTS, top_n=None)
    assert found.docs[0].text == TEXTS[0]


def elasticsearch():
    import elasticsearch as sdk
    from elasticsearch import helpers

    client = sdk.Elasticsearch(URL)
    assert client.info()["version"]["number"].startswith("8.")
    search_engine(client, helpers, sdk.BadRequestError, sdk.NotFoundError)
    retriever = {
        "text_similarity_reranker": {
            "retriever": {"standard": {"query": {"match": {"body": QUERY}}}},
            "field": "body",
            "inference_text": QUERY,
            "rank_window_size": 5,
        }
    }
    found = client.search(index="notes", retriever=retriever)["hits"]["hits"]
    assert found[0]["_id"] == "es-0" and found[0]["_score"] > 0.5, found
    client.delete(index="notes", id="es-0")
    client.delete(index="notes", id="es-1")
    return sdk.__versionstr__


def opensearch():
    import opensearchpy as sdk
    from opensearchpy import helpers

    client = sdk.OpenSearch(URL)
    assert client.info()["version"]["number"]
    search_engine(client, helpers, sdk.exceptions.RequestError, sdk.exceptions.NotFoundError)
    client.delete(index="notes", id="es-0")
    client.delete(index="notes", id="es-1")
    return sdk.__versionstr__


def search_engine(client, helpers, refused, missing):
    actions = (
        {"_index": "notes", "_id": f"es-{n}", "_source": {"title": f"Title {n}", "body": text, "lang": "en", "n": n}}
        for n, text in enumerate(TEXTS)
    )
    done, failed = helpers.bulk(client, actions, refresh=True)
    assert (done, failed) == (2, [])

    def ask(**body):
        return client.search(index="notes", body=body) if "opensearch" in type(client).__module__ else client.search(index="notes", **body)

    answer = ask(
        query={"bool": {
            "must": [{"multi_match": {"query": QUERY, "fields": ["title^2", "body"]}}],
            "filter": [{"term": {"lang": "en"}}],
            "must_not": [{"match_phrase": {"body": "leaves at noon"}}],
        }},
        size=5, highlight={"fields": {"body": {}}}, _source=["title", "n"],
    )
    hits = answer["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["es-0"], hits
    assert hits[0]["_source"] == {"title": "Title 0", "n": 0}
    assert "<em>" in hits[0]["highlight"]["body"][0]
    assert answer["hits"]["total"] == {"value": 1, "relation": "eq"}
    everything = ask(query={"bool": {"filter": {"term": {"lang": "en"}}}}, size=1)
    assert len(everything["hits"]["hits"]) == 1 and everything["hits"]["total"]["value"] == 2
    second = ask(query={"match_all": {}}, size=1, from_=1) if "opensearch" not in type(client).__module__ else ask(**{"query": {"match_all": {}}, "size": 1, "from": 1})
    assert len(second["hits"]["hits"]) == 1
    body = {"query": {"match": {"body": "vizsla"}}}
    counted = client.count(index="notes", body=body)
    assert counted["count"] >= 1
    assert client.get(index="notes", id="es-1")["_source"]["body"] == TEXTS[1]
    assert client.indices.exists(index="notes") and not client.indices.exists(index="other")
    for wrong in ({"knn": {}}, {"match": {"author": "x"}}):
        try:
            ask(query=wrong)
        except refused as error:
            assert "not supported" in str(error) or "one field" in str(error), error
        else:
            raise AssertionError(f"{wrong} was answered")
    for call in (lambda: client.search(index="other", body={}), lambda: client.get(index="notes", id="none")):
        try:
            call()
        except missing:
            pass
        else:
            raise AssertionError("something was found that is not there")


def mcp():
    from mcp import StdioServerParameters
    from mcp.client import Client
    from mcp.client.stdio import stdio_client

    async def ask(server, mode):
        async with Client(server, **({"mode": mode} if mode else {})) as client:
            tools = await client.list_tools()
            assert [tool.name for tool in tools.tools] == ["search", "fetch", "status"]
            progress = []

            async def seen(done, total, message):
                progress.append((done, total))

            found = await client.call_tool("search", {"query": QUERY, "limit": 3}, progress_callback=seen)
            answer = json.loads(found.content[0].text)
            assert answer == found.structured_content, "text and structure differ"
            assert answer["results"], answer
            first = await client.call_tool("fetch", {"id": answer["results"][0]["id"], "max_tokens": 500})
            wrong = await client.call_tool("search", {"query": QUERY, "limit": 99})
            assert wrong.is_error and not first.is_error
            status = await client.call_tool("status", {})
            assert "reranking" in status.structured_content
            return client.protocol_version

    def start(*arguments):
        return stdio_client(StdioServerParameters(command=os.environ["VIZSLA"], args=["mcp", *arguments]))

    async def all_of_them():
        revisions = []
        for mode in (None, "legacy"):
            revisions.append(await ask(start("--index", os.environ["VIZSLA_INDEX"]), mode))
            revisions.append(await ask(f"{URL}/mcp", mode))
            revisions.append(await ask(start("--connect", URL), mode))
        return ", ".join(sorted(set(revisions)))

    return asyncio.run(all_of_them())


for name in sys.argv[1:]:
    started = time.monotonic()
    said = globals()[name]()
    print(f"  {name}: works{f' ({said})' if said else ''}, {time.monotonic() - started:.1f} s", flush=True)
# Some clients leave threads behind that complain when the interpreter ends.
os._exit(0)

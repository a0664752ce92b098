"""Asks `vizsla mcp` with the official Python client, in both kinds of lifecycle. By hand, in an environment with `mcp`:

    python xtask/mcp_clients.py target/debug/vizsla INDEX "a question" [URL]

With a URL of a running `vizsla serve`, its /mcp is asked as well, directly and through the bridge.
"""

import asyncio
import json
import sys
import time

from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client


async def ask(name, server, question, mode):
    started = time.monotonic()
    async with Client(server, **({"mode": mode} if mode else {})) as client:
        opened = time.monotonic()
        tools = await client.list_tools()
        progress = []

        async def seen(done, total, message):
            progress.append((done, total))

        found = await client.call_tool("search", {"query": question, "limit": 3}, progress_callback=seen)
        answer = json.loads(found.content[0].text)
        assert answer == found.structured_content, "text and structure differ"
        first = await client.call_tool("fetch", {"id": answer["results"][0]["id"], "max_tokens": 500})
        wrong = await client.call_tool("search", {"query": question, "limit": 99})
        assert wrong.is_error and not first.is_error
        status = await client.call_tool("status", {})
        print(
            f"{name}: revision {client.protocol_version}, opened in {opened - started:.2f} s, "
            f"tools {[tool.name for tool in tools.tools]}, best {answer['results'][0]['title']!r}, "
            f"degraded {answer['degraded']}, progress {len(progress)}, "
            f"reranking {status.structured_content['reranking']!r}, all {time.monotonic() - started:.2f} s"
        )


async def main(program, index, question, url=None):
    def start(*arguments):
        return stdio_client(StdioServerParameters(command=program, args=["mcp", *arguments]))

    for mode in (None, "legacy"):
        await ask(f"stdio {mode or 'auto'}", start("--index", index), question, mode)
        if url:
            await ask(f"http {mode or 'auto'}", f"{url}/mcp", question, mode)
            await ask(f"bridge {mode or 'auto'}", start("--connect", url), question, mode)


asyncio.run(main(*sys.argv[1:]))

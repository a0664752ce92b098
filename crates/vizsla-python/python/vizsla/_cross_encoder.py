"""The second stage alone: pairs in, scores out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from . import _arguments, _native, _runtime

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Scores = npt.NDArray[np.float32]
    Activation = str | Callable[[Scores], Any] | None


class _Ranked(TypedDict):
    corpus_id: int
    score: float


class RankedDocument(_Ranked, total=False):
    """An entry of [`CrossEncoder.rank`][vizsla.CrossEncoder.rank]: `corpus_id`, `score` and, if asked for, `text`."""

    text: str


class CrossEncoder:
    """A cross-encoder, with the methods of sentence-transformers' class of that name.

    Scores are the same, to the bit, as those of `vizsla rerank`, whatever else is in the call: each pair is read by itself.
    A text longer than the model can read is read in overlapping windows, of which the best counts, where
    sentence-transformers cuts it off. Batch sizes therefore change nothing and are accepted for compatibility alone.

    An object can be used from many threads at once, which share its cores; scoring releases the interpreter's lock and
    ends on Ctrl-C. It is pickled as its arguments, and a process that receives or inherits it opens the model again.

    Args:
        model: None or "bundled" for the model that comes with the package; a name of the catalogue (`vizsla model list`)
            or `organisation/name` that has been pulled with `vizsla model pull`; or a folder with `config.json`,
            `tokenizer.json` and `onnx/model*.onnx`.
        threads: How many threads score, 256 at most; by default as many as there are physical cores.
        device: "cpu", or where the program has been built for them "auto", "cuda", "coreml" or "directml".
        max_length: Read at most so many tokens at a time, query and document together; fewer mean more windows.
        file: Which ONNX file of the folder, instead of the one that suits this processor.
        cache_size: How many scores are kept, at about 100 bytes each, so that a pair is not read twice; 0 for none.
        onnxruntime: The path of ONNX Runtime's library. By default, the one that the environment variable
            VIZSLA_ONNXRUNTIME names, else the one of the installed package `onnxruntime`, which is not imported, else
            the one that `vizsla setup` has installed.

    Raises:
        FileNotFoundError: The model is not on this machine.
        ValueError: There is no model of that name, or an argument is out of range.
        vizsla.Error: The model cannot be opened, or ONNX Runtime is missing or older than 1.24.

    >>> import vizsla
    >>> model = vizsla.CrossEncoder(threads=1)
    >>> model.predict([("what barks?", "A dog barks."), ("what barks?", "A cat purrs.")]).shape
    (2,)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        *,
        device: str | None = None,
        max_length: int | None = None,
        file: str | None = None,
        cache_size: int = 1 << 16,
        onnxruntime: str | os.PathLike[str] | None = None,
    ) -> None:
        self._arguments: dict[str, Any] = {
            "model": "bundled" if model is None else _arguments.path("model", model),
            "threads": None if threads is None else _arguments.whole("threads", threads, most=256),
            "device": "cpu" if device is None else _arguments.text("device", device),
            "max_tokens": None if max_length is None else _arguments.whole("max_length", max_length),
            "file": None if file is None else _arguments.text("file", file),
            "cache": _arguments.whole("cache_size", cache_size, least=0),
            "runtime": None if onnxruntime is None else _arguments.path("onnxruntime", onnxruntime),
        }
        if file is not None and self._arguments["model"] == "bundled":
            raise ValueError("file names one of a folder's: the model that comes with the package has no others")
        self._open()

    def _open(self) -> None:
        arguments = dict(self._arguments)
        arguments["runtime"] = arguments["runtime"] or _runtime.find()
        name = arguments.pop("model")
        try:
            self._model = _native.CrossEncoder(name, **arguments)
        except FileNotFoundError as error:
            if os.path.isabs(name) or name.startswith("."):
                raise
            raise FileNotFoundError(f"{error}: fetch it with `vizsla model pull {name}`") from None
        except _native.Error as error:
            if "ONNX Runtime" in str(error):
                raise _native.Error(f"{error}: {_runtime.advice()}") from None
            raise
        self._process = os.getpid()
        settings = json.loads(self._model.config)
        self._sigmoid = _ends_in_sigmoid(settings)

    @property
    def native(self) -> _native.CrossEncoder:
        """The compiled object, for other parts of this package."""
        if self._process != os.getpid():
            # The threads that score did not come along when the process was forked.
            self._open()
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        return self._arguments

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._arguments = state
        self._open()

    def __repr__(self) -> str:
        return f"CrossEncoder({self.name!r}, threads={self.threads})"

    @property
    def name(self) -> str:
        """The model's name in reports."""
        return self._model.name

    @property
    def threads(self) -> int:
        """How many threads score."""
        return self._model.threads

    @property
    def max_length(self) -> int:
        """How many tokens are read at a time, query and document together."""
        return self._model.max_tokens

    @property
    def execution(self) -> str:
        """How the model is run on this machine, and why not faster, for people to read."""
        return self._model.execution

    def predict(
        self,
        inputs: Sequence[Any] | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Activation = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        *,
        sentences: Sequence[Any] | None = None,
        num_workers: int | None = None,
    ) -> Any:  # noqa: ANN401
        """Scores pairs of query and document.

        Args:
            inputs: A list of pairs, as tuples, lists, an array of shape (n, 2), or a single pair.
            batch_size: Accepted and without effect, as are `show_progress_bar` and `num_workers`.
            show_progress_bar: Accepted and without effect.
            activation_fn: "identity" for the model's logits, "sigmoid" for probabilities, a function that is given the
                array of logits, or None for what the model's `config.json` names, as sentence-transformers does: a sigmoid
                where it names nothing. Instances of `torch.nn.Identity` and `torch.nn.Sigmoid` are recognised.
            apply_softmax: Must be false: models with several classes are not opened.
            convert_to_numpy: Whether the result is an array rather than a list of float.
            convert_to_tensor: Whether the result is a torch.Tensor, which imports torch.
            sentences: The former name of `inputs`.
            num_workers: Accepted and without effect.

        Returns:
            An array of float32 with one score a pair, shape (n,), in the order given; of a single pair one float32.

        Raises:
            TypeError: Something is not a text; the message says which.
            ValueError: A text cannot be encoded, or `activation_fn` is not what it should be.
            KeyboardInterrupt: Within a twentieth of a second of Ctrl-C.
        """
        del batch_size, show_progress_bar, num_workers
        _no_softmax(apply_softmax)
        pairs: Any = inputs if sentences is None else sentences
        if not hasattr(pairs, "__len__"):
            pairs = list(_arguments.items("inputs", pairs, of="pairs"))
        single = isinstance(pairs, Sequence) or type(pairs).__name__ == "ndarray"
        single = single and not isinstance(pairs, str) and len(pairs) == 2 and all(isinstance(part, str) for part in pairs)
        queries, documents = _arguments.pairs("inputs", [pairs] if single else pairs)
        scores = self._activated(self._logits(queries, documents), activation_fn)
        if convert_to_tensor:
            import torch  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

            tensor = torch.from_numpy(scores)
            return tensor[0] if single else tensor
        if single:
            return scores[0]
        return scores if convert_to_numpy else scores.tolist()

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Activation = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        *,
        num_workers: int | None = None,
    ) -> list[RankedDocument]:
        """Ranks documents for a query.

        Args:
            query: The question.
            documents: The texts, of a list, a tuple, an array or a column of a frame.
            top_k: How many to return; all by default.
            return_documents: Whether the entries have their `text`.
            batch_size: Accepted and without effect, as are `show_progress_bar`, `num_workers` and both `convert_to_...`.
            show_progress_bar: Accepted and without effect.
            activation_fn: As for `predict`.
            apply_softmax: Must be false, as for `predict`.
            convert_to_numpy: Accepted and without effect.
            convert_to_tensor: Accepted and without effect.
            num_workers: Accepted and without effect.

        Returns:
            Entries with `corpus_id`, the place in `documents`, and `score`, a float; the best first. Documents with
            equal logits keep their order.

        >>> import vizsla
        >>> vizsla.CrossEncoder(threads=1).rank("what barks?", ["A cat purrs.", "A dog barks."], top_k=1)[0]["corpus_id"]
        1
        """
        del batch_size, show_progress_bar, convert_to_numpy, convert_to_tensor, num_workers
        _no_softmax(apply_softmax)
        query = _arguments.text("query", query)
        texts = _arguments.texts("documents", documents)
        limit = len(texts) if top_k is None else _arguments.whole("top_k", top_k)
        logits = self._logits([query] * len(texts), texts)
        scores = self._activated(logits, activation_fn).tolist()
        # Probabilities near 1 are equal where logits are not, so it is logits that give the order, unless a function does.
        keys = scores if callable(activation_fn) else self._activated(logits, "identity").tolist()
        order = sorted(range(len(texts)), key=lambda at: -keys[at])[:limit]
        ranked: list[RankedDocument] = []
        for at in order:
            entry: RankedDocument = {"corpus_id": at, "score": scores[at]}
            if return_documents:
                entry["text"] = texts[at]
            ranked.append(entry)
        return ranked

    def score(self, query: str, passages: Sequence[str]) -> list[float]:
        """The logits of passages, as [`Reranker`][vizsla.Reranker] asks for them."""
        texts = _arguments.texts("passages", passages)
        logits = self._logits([_arguments.text("query", query)] * len(texts), texts)
        return cast("list[float]", self._activated(logits, "identity").tolist())

    def _logits(self, queries: list[str], documents: list[str]) -> bytearray:
        return self.native.score(queries, documents)

    def _activated(self, logits: bytearray, activation: Activation) -> Scores:
        import numpy as np  # noqa: PLC0415

        sigmoid, function = self._activation(activation)
        scores = np.frombuffer(_native.probabilities(logits) if sigmoid else logits, dtype=np.float32)
        if function is None:
            return scores
        returned = function(scores)
        try:
            activated = np.asarray(returned, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise ValueError(f"activation_fn must return numbers: {error}") from error
        if activated.shape != scores.shape:
            raise ValueError(f"activation_fn must return shape {scores.shape}, not {activated.shape}")
        return activated

    def _activation(self, given: Activation) -> tuple[bool, Callable[[Scores], Any] | None]:
        """Whether the compiled part applies a sigmoid, and what is applied to its result."""
        if given is None:
            return self._sigmoid, None
        name = given if isinstance(given, str) else type(given).__name__
        if name.lower() in ("identity", "sigmoid"):
            return name.lower() == "sigmoid", None
        if isinstance(given, str) or not callable(given):
            raise ValueError(f"activation_fn must be None, 'identity', 'sigmoid' or a function, not {given!r}")
        return False, given


def _no_softmax(apply_softmax: bool | None) -> None:
    if apply_softmax:
        raise ValueError("apply_softmax must be false: there are no models with several classes")


def _ends_in_sigmoid(config: dict[str, Any]) -> bool:
    """Whether sentence-transformers would apply a sigmoid: what the settings name, else its default for one label."""
    named = config.get("sentence_transformers", {}).get("activation_fn")
    named = named or config.get("sbert_ce_default_activation_function")
    return named is None or named.rsplit(".", 1)[-1] == "Sigmoid"


def opened(reranker: object) -> object | None:
    """A reranker that may have been given by name, as the compiled part takes it."""
    if reranker is None:
        return None
    if isinstance(reranker, str | os.PathLike):
        reranker = CrossEncoder(cast("str", reranker))
    if isinstance(reranker, CrossEncoder):
        return reranker.native
    _arguments.instance("reranker", reranker)
    if not callable(getattr(reranker, "score", None)):
        raise TypeError(f"reranker must be a CrossEncoder, its name, or have a method score, not {type(reranker).__name__}")
    return reranker

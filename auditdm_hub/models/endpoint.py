"""A model behind an OpenAI-compatible endpoint: vLLM, SGLang, `transformers serve`, or a provider.

1. Equal (image, question) pairs are asked once; no more than `concurrency` requests are open at a time.
2. A request that fails is sent again, after growing pauses or when the server says (Retry-After, if that is no more
   than the client's two minutes); what still fails, or comes back empty, is no answer (`None`), never a wrong one.
3. What waiting does not mend ends the audit in one line: a key that is refused, a model that is not there, no
   answer at all in several batches in a row, a limit on the cost (`Ledger`). The audit can be resumed.
4. Thoughts are no answer (`spoken`), and what a provider withholds, or refuses of one image, is none.

A model is named `URL#MODEL`, e.g. http://127.0.0.1:8000/v1#Qwen/Qwen3-VL-4B-Instruct; the key is read from the
environment variable OPENAI_API_KEY, or from the one that `endpoints.keys` names for that server.
"""

import base64
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PIL import Image as PIL
from PIL.Image import Image

from auditdm_hub.errors import AnswersEndedError, BackendUnavailableError, ModelError, first_line
from auditdm_hub.images import image_sha
from auditdm_hub.models.ledger import Ledger
from auditdm_hub.models.prompting import QUESTION
from auditdm_hub.models.thinking import spoken
from auditdm_hub.text import plural

if TYPE_CHECKING:
    from openai import OpenAI

ENDPOINT = re.compile(r"https?://[^#\s]+#\S+")
KEY = "OPENAI_API_KEY"
PAYMENT_REQUIRED = 402
NO_KEY = "none"
"""What a server without keys is sent: the client wants one."""
ALSO_SENT = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS")
"""Variables of the environment that the client sends to any server, and that are none of its business."""
PATIENCE, FEWEST = 3, 8
"""Batches without a single answer after which it ends; one alone tells enough if it had so many questions."""
EMPTY = "an empty answer"
ROOM_FOR_THOUGHTS = 2048
"""Tokens beside those of the answer, for a model that says that it thinks."""
FIRST, FIRST_SIZE = "What color is this image?", (64, 64)
"""Asked to find out whether there is an answer."""
Request = tuple[str, str]
"""Name of the image, question."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How an endpoint is asked. `seconds` = how long one try may take; `tries` = the most of them.

    `keys`: server (host, or host and port) -> environment variable with its key; none for any other server, but if it
    is empty, OPENAI_API_KEY for all. `keep_lines`: lines of a question stay lines; an audit folds white space.
    `patience`: batches in a row without a single answer that are borne.
    """

    prompt_template: str = QUESTION
    max_new_tokens: int = 16
    concurrency: int = 8
    seconds: float = 120.0
    tries: int = 6
    keys: Mapping[str, str] = field(default_factory=dict)
    keep_lines: bool = False
    patience: int = PATIENCE

    def key_of(self, url: str) -> str:
        """Return the name of the environment variable that holds the key for a server; "" = it gets none."""
        at = urlsplit(url)
        return (self.keys.get(at.netloc.lower()) or self.keys.get(at.hostname or "", "")) if self.keys else KEY


class EndpointVLM:
    """A vision-language model that is asked over HTTP. Satisfies `VisionLanguageModel`."""

    def __init__(self, name: str, asking: Asking, ledger: Ledger | None = None, family: str = "") -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            name: `URL#MODEL`.
            asking: how.
            ledger: where tokens are added up.
            family: whose vote it casts; default: the letters with which the model's own name begins ("qwen").

        Raises:
            ModelError: the name is no `URL#MODEL`.
            BackendUnavailableError: the client is not installed.
        """
        if not is_endpoint(name):
            raise ModelError(f"got {name!r}, wanted URL#MODEL, e.g. http://127.0.0.1:8000/v1#Qwen/Qwen3-VL-4B-Instruct")
        self._name = name
        self._url, self._model = name.split("#", 1)
        if "@" in urlsplit(self._url).netloc:  # the address is part of the id, which is published
            raise ModelError(f"{self._model}: the address holds a name or a password: leave them out, a key is sent")
        self.id = f"{self._model}@{urlsplit(self._url).netloc}"
        self.family = family or _family(self._model)
        self.decoding = f"endpoint, greedy, at most {asking.max_new_tokens} tokens, {asking.prompt_template!r}"
        self.decoding += ", with its lines" if asking.keep_lines else ""
        self._asking, self._ledger = asking, ledger
        self._client = _client(self._url, asking)
        variable = asking.key_of(self._url)
        self._sent = f"the key in {variable}" if variable else "to answer without a key (endpoints.keys names none)"
        self._silent = self._unanswered = 0
        self._ended = ""
        self._limits: dict[str, Any] = {"max_tokens": asking.max_new_tokens, "temperature": 0.0}
        self._answered = False

    def again(self, prompt_template: str, max_new_tokens: int) -> "EndpointVLM":
        """Return the same model with another prompt, in which lines stay lines; an audit folds white space."""
        asking = replace(
            self._asking, prompt_template=prompt_template, max_new_tokens=max_new_tokens, keep_lines=True
        )  # fmt: skip
        other = EndpointVLM(self._name, asking, self._ledger, self.family)
        other._answered = self._answered
        return other

    def refuse_silent(self) -> None:
        """Ask a first question, about a grey image, to find out whether anything answers.

        Raises:
            ModelError: nothing does, or the endpoint refuses the key or the model.
        """
        text, fault = self._ask(_data_url(PIL.new("RGB", FIRST_SIZE, "gray")), FIRST)
        why, self._ended = self._ended or fault, ""
        if text is None:
            raise ModelError(f"{self.id} gave no answer to a first question ({why}): see whether it runs")

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        """Answer `questions[i]` on `images[i]`; `None` where no answer was got.

        Raises:
            AnswersEndedError: the endpoint refuses the key or the model, or there is no credit left.
            ModelError: it says nothing several times in a row, or the limit on the cost is reached.
        """
        if self._ledger is not None:
            self._ledger.refuse_more()
        by_object = {id(image): image for image in images}
        names = {key: image_sha(image) for key, image in by_object.items()}
        named = {names[key]: image for key, image in by_object.items()}
        fold = str if self._asking.keep_lines else _folded
        requests = [(names[id(image)], fold(text)) for image, text in zip(images, questions, strict=True)]
        distinct = list(dict.fromkeys(requests))
        try:
            with ThreadPoolExecutor(self._asking.concurrency) as pool:
                got = list(pool.map(lambda request: self._ask(_data_url(named[request[0]]), request[1]), distinct))
        finally:  # also what an interrupted batch read and wrote was paid for
            if self._ledger is not None:
                self._ledger.keep()
        answers = dict(zip(distinct, (text for text, _ in got), strict=True))
        if self._ended:
            why, self._ended = self._ended, ""
            raise AnswersEndedError(
                f"{why}; continue with --resume when that is mended", [answers[request] for request in requests]
            )
        self._refuse_silence([fault for _, fault in got])
        return [answers[request] for request in requests]

    def _ask(self, url: str, question: str) -> tuple[str | None, str]:
        """Return the answer and "", or `None` and why there is none."""
        from openai import APIError, AuthenticationError, NotFoundError, OpenAIError, PermissionDeniedError

        if self._ended:
            return None, self._ended
        text = self._asking.prompt_template.replace(QUESTION, question)
        try:
            return self._read(self._send(_messages(url, text)))
        except PermissionDeniedError as error:
            if self._lets_in():  # it is this image, or this question, that is refused
                return None, first_line(error)
            return self._end(f"{self._url} refuses {self._sent}: {first_line(error)}")
        except AuthenticationError as error:
            return self._end(f"{self._url} refuses {self._sent}: {first_line(error)}")
        except NotFoundError as error:
            return self._end(f"{self._url} has no model {self._model}: {first_line(error)}")
        except APIError as error:
            if error.code == "insufficient_quota" or getattr(error, "status_code", 0) == PAYMENT_REQUIRED:
                return self._end(f"{self._url}: the account has no credit left: {first_line(error)}")
            return None, first_line(error)
        except (OpenAIError, ValueError) as error:  # a body that is not JSON is a ValueError
            return None, first_line(error)

    def _send(self, messages: Any) -> Any:  # noqa: ANN401
        from openai import BadRequestError

        limits = self._limits
        try:
            return self._client.chat.completions.create(model=self._model, messages=messages, **limits)
        except BadRequestError as error:
            named = any(f"'{name}'" in str(error) for name in limits) and "support" in str(error).lower()
            switched = self._limits is not limits  # by another question, meanwhile
            if "temperature" not in limits or not named or (self._answered and not switched):
                raise
        # A model that thinks takes no temperature, and counts its thoughts.
        self._limits = {"max_completion_tokens": self._asking.max_new_tokens + ROOM_FOR_THOUGHTS}
        return self._client.chat.completions.create(model=self._model, messages=messages, **self._limits)

    def _answers_now(self) -> bool:
        from openai import OpenAIError

        try:
            said, _ = self._read(self._send(_messages(_data_url(PIL.new("RGB", FIRST_SIZE, "gray")), FIRST)))
        except (OpenAIError, ValueError):
            return False
        return bool(said)

    def _lets_in(self) -> bool:
        """Whether the endpoint answers this key at all: it did before, or does to a first question."""
        return self._answered or self._answers_now()

    def _end(self, why: str) -> tuple[None, str]:
        """Ask nothing more in this batch; what it got is kept, and the audit ends."""
        self._ended = why
        return None, why

    def _read(self, made: Any) -> tuple[str | None, str]:  # noqa: ANN401 - a server may send anything
        usage = getattr(made, "usage", None)
        if usage is not None and self._ledger is not None:
            self._ledger.add(self._name, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))
        choices = getattr(made, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        if getattr(choice, "finish_reason", None) == "content_filter":
            return None, "withheld by the provider"
        text = getattr(getattr(choice, "message", None), "content", None)
        said = spoken(text.strip()) if isinstance(text, str) else ""
        self._answered = self._answered or bool(said)
        return (said, "") if said else (None, EMPTY if said is not None else "cut off in its thoughts")

    def _refuse_silence(self, faults: Sequence[str]) -> None:
        silent = bool(faults) and all(faults)
        self._silent = self._silent + 1 if silent else 0
        self._unanswered = self._unanswered + len(faults) if silent else 0
        if self._silent >= self._asking.patience and (self._silent > 1 or len(faults) >= FEWEST):
            if self._unanswered < FEWEST and self._answers_now():  # they may all be about one image that it refuses
                self._silent = self._unanswered = 0
                return
            raise ModelError(
                f"{self.id} gave no answer to {plural(self._silent, 'batch', 'batches')} in a row ({faults[-1]}): see "
                "whether it runs, then continue with --resume"
            )


def is_endpoint(name: str) -> bool:
    """Whether a name is that of a model behind an endpoint."""
    return bool(ENDPOINT.fullmatch(name))


def _messages(url: str, text: str) -> list[dict[str, Any]]:
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": text}]
    return [{"role": "user", "content": content}]


def _folded(text: str) -> str:
    return " ".join(text.split())


def _client(url: str, asking: Asking) -> "OpenAI":
    try:
        from openai import OpenAI
    except ImportError:
        raise BackendUnavailableError("an endpoint needs openai: pip install 'auditdm-hub[openai]'") from None
    variable = asking.key_of(url)
    key = os.environ.get(variable) or NO_KEY
    with nullcontext() if variable else _without(ALSO_SENT):
        return OpenAI(base_url=url, api_key=key, timeout=asking.seconds, max_retries=asking.tries - 1)


@contextmanager
def _without(variables: Sequence[str]) -> Iterator[None]:
    """Take variables out of the environment meanwhile."""
    kept = {name: os.environ.pop(name) for name in variables if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _family(model: str) -> str:
    found = re.match(r"[a-z]+", model.rsplit("/", 1)[-1].lower())
    return found[0] if found else model


def _data_url(image: Image) -> str:
    file = io.BytesIO()
    (image if image.mode == "RGB" else image.convert("RGB")).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _count(usage: Any, name: str) -> int:  # noqa: ANN401
    value = getattr(usage, name, 0)
    return value if isinstance(value, int) else 0

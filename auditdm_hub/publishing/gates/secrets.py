"""Tokens, keys and passwords in texts. Each pattern is the published format of one issuer.

What is found is named by its kind and shown by its first four characters only.
"""

import re
from collections.abc import Iterator

# Issuers: huggingface.co/docs/hub/security-tokens, docs.github.com (about authentication), AWS IAM identifiers,
# cloud.google.com/docs/authentication/api-keys, platform.openai.com and docs.anthropic.com (API keys), api.slack.com
# (token types), RFC 7468 (private keys), RFC 7519 (JWT), docs.gitlab.com (token overview), stripe.com/docs/keys.
KINDS = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "an AWS key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "an API key": r"\bsk-(?:ant-|proj-|live-)?[A-Za-z0-9_-]{20,}",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{1,64}:[^\s/@]{1,64}@",
    "a password or key": (
        r"(?i)\b(?:api[_-]?key|secret|password|passwd|access[_-]?token)\b[\"']?\s*[:=]\s*[\"']?[^\s\"',;]{8,}"
    ),
}
HINTS = (
    *("hf_", "gh", "glpat-", "akia", "asia", "aiza", "sk", "rk_", "xox", "-----begin", "eyj", "://"),
    *("key", "secret", "passw", "token"),
)
"""In lower case; a text without any of them holds no secret that is looked for."""
_JOINED = "|".join(f"(?P<k{number}>{pattern})" for number, pattern in enumerate(KINDS.values()))
PATTERN = re.compile(_JOINED.replace("(?i)", ""))
LOOSE = re.compile(KINDS["a password or key"])
NAMES = tuple(KINDS)


def secrets_in(text: str) -> Iterator[str]:
    """Yield what kinds of secrets a text holds, each with its first characters."""
    folded = text.lower()
    if not any(hint in folded for hint in HINTS):
        return
    for found in PATTERN.finditer(text):
        name = NAMES[int((found.lastgroup or "k0").removeprefix("k"))]
        yield f"{name} ({found[0][:4]}...)"
    if not PATTERN.search(text) and (loose := LOOSE.search(text)):
        yield f"a password or key ({loose[0][:4]}...)"

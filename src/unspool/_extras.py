"""The command that installs an extra, as unspool itself was installed."""

import json
import re
from urllib.parse import unquote, urlsplit


def install_command(extra: str) -> str:
    """Return the command that installs an extra beside this very unspool.

    From a clone or another place that pip was given, it names that place: the index has another unspool, or
    none.

    Args:
        extra: The name of the extra, such as "play".

    Example:
        >>> install_command("play").startswith("pip install ")
        True
    """
    options, requirement = _requirement(extra)
    quoted = re.sub(r'([\\"$`])', r"\\\1", requirement)
    return f'pip install {options}"{quoted}"'


def _requirement(extra: str) -> tuple[str, str]:
    """Return the options of pip and what it is to install, from the origin that pip recorded (PEP 610)."""
    from importlib import metadata  # noqa: PLC0415 - slow, and for errors only

    name = f"unspool[{extra}]"
    try:
        origin = json.loads(metadata.distribution("unspool").read_text("direct_url.json") or "{}")
    except metadata.PackageNotFoundError:
        return "", name
    url = origin.get("url")
    if url is None:
        return "", name
    if "dir_info" in origin:
        editable = origin["dir_info"].get("editable", False)
        return "-e " if editable else "", f"{unquote(urlsplit(url).path)}[{extra}]"
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return "", f"{name} @ {url}"

"""The files of release/serving: each by the checker that is there for its kind."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "release" / "serving"


def checked(*command: str | Path) -> str:
    """Run a checker and return what it said."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def found(program: str) -> str:
    """Find a program, beside Python too, or skip the test."""
    path = shutil.which(program) or shutil.which(program, path=str(Path(sys.executable).parent))
    return path or pytest.skip(f"{program} is not installed")


def test_the_dockerfile_passes_hadolint_and_does_not_run_as_root() -> None:
    assert checked(found("hadolint"), FILES / "Dockerfile") == ""


def test_the_image_runs_as_the_user_that_kubernetes_wants() -> None:
    user = re.findall(r"^USER (\d+)$", (FILES / "Dockerfile").read_text(), re.MULTILINE)
    assert user == ["10001"]
    assert "runAsUser: 10001" in (FILES / "kubernetes.yaml").read_text()


def test_the_kubernetes_objects_follow_their_schemas() -> None:
    said = checked(found("kubernetes-validate"), "--strict", FILES / "kubernetes.yaml")
    assert said.count(" passed ") == 3


def test_the_unit_is_one_that_systemd_reads(tmp_path: Path) -> None:
    unit = (FILES / "unspool.service").read_text().replace("/opt/unspool/bin/unspool", sys.executable)
    (tmp_path / "unspool.service").write_text(unit)
    said = checked(found("systemd-analyze"), "verify", tmp_path / "unspool.service")
    assert "unspool" not in said  # it warns of a line that it does not know, and goes on


def nginx_configuration(folder: Path, *, port: int, server: int) -> Path:
    """Write what nginx runs with as this user: ours, with other ports and a certificate for a day."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    named = ["-subj", "/CN=text.example.org", "-days", "1", "-keyout", key, "-out", certificate]
    checked(found("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", *named)
    ours = (FILES / "nginx.conf").read_text()
    for old, new in {
        "/etc/ssl/text.example.org.pem": str(certificate),
        "/etc/ssl/text.example.org.key": str(key),
        "listen 80;": f"listen 127.0.0.1:{port + 1};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{server};",
    }.items():
        assert old in ours
        ours = ours.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {folder / 'nginx.pid'}; error_log {folder / 'errors'};\n"
        f"events {{}}\nhttp {{ access_log off;\n{scratch}{ours}}}\n"
    )
    return configuration


def test_nginx_reads_its_file(tmp_path: Path) -> None:
    nginx = found("nginx")
    configuration = nginx_configuration(tmp_path, port=44300, server=44302)
    checked(nginx, "-t", "-p", tmp_path, "-e", tmp_path / "errors", "-c", configuration)

"""What the documents say is compared with what is there: commands, variables, paths, links, the demo's output.

And what must be nowhere in the repository: telephone numbers that may be somebody's, paths of one machine, hosts.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from sandbox import cli

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
APPS = ("accounts", "billing", "config", "outbox", "postgres", "softphone", "telephony", "webhooks")
FOLDERS = (*APPS, "benchmarks", "docs", "sandbox", "static", "templates", "tests")

FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

# Reserved for fiction by the numbering authorities; a beginning of such a number is fine too.
FICTION = re.compile(
    r"1\d{3}5550(1\d{0,2})?"  # North America: 555-0100 to 555-0199 in every area
    r"|44770090(0\d{0,3})?|44207946(0\d{0,3})?"  # Ofcom: mobile, London
    r"|46701740(6(0[5-9]?|[1-9]\d?)?)?|468465004\d{0,2}"  # PTS: mobile, Stockholm
    r"|6149157015[6-9]"  # ACMA: mobile
    r"|0\d*"  # no country has this code
)
NUMBER = re.compile(r"(?<![\w+])\+([0-9]{8,15})(?![0-9])")
SIGNED = r"46812345678|46701234567|46709876543"
EXCEPTIONS = {
    "tests/accounts/test_numbers.py": (r"\d+", "numbers of every kind there is, and ways to write them wrongly"),
    "tests/sandbox/test_signing.py": (SIGNED, "bodies of known signatures: other digits, other signature"),
    "tests/telephony/providers/sinch/test_verify.py": (SIGNED, "bodies of known signatures"),
    "tests/journeys/test_event_orders.py": ("448712345678", "no number of this dear kind is reserved for fiction"),
    "tests/journeys/test_one_call.py": ("448712345678", "no number of this dear kind is reserved for fiction"),
    "accounts/numbers.py": ("88299555010", "no number of an international network is reserved for fiction"),
    "tests/telephony/test_callout_checks.py": ("88299555010", "no number of an international network is reserved"),
    "config/demo.py": ("88299555010", "no number of an international network is reserved; only the sandbox hears it"),
    "config/demo_softphone.py": ("88299555010", "no number of an international network is reserved; nobody dials it"),
    "tests/sandbox/test_softphone.py": ("15551231234", "the documented example of call-through"),
    "tests/softphone/test_answers.py": ("15551231234", "the documented example of call-through"),
    "tests/softphone/test_calling.py": ("15551231234", "the documented example of call-through"),
}


def blocks(document: Path, language: str) -> list[str]:
    return [text for word, text in FENCED.findall(document.read_text()) if word == language]


def code_in(document: Path) -> Iterator[str]:
    """Every inline piece of code, and every line of the blocks."""
    text = document.read_text()
    yield from INLINE.findall(FENCED.sub("", text))
    for _, block in FENCED.findall(text):
        yield from block.splitlines()


def everything_said() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for code in code_in(document):
            yield document.relative_to(CHECKOUT).as_posix(), code


def our_commands() -> set[str]:
    return {name for name, app in get_commands().items() if app in APPS}


@cache
def options_of_management_command(name: str) -> frozenset[str]:
    command = load_command_class(get_commands()[name], name)
    return frozenset(OPTION.findall(command.create_parser("manage.py", name).format_usage()))


@pytest.fixture
def options_of_sandbox(capsys: pytest.CaptureFixture[str]) -> frozenset[str]:
    assert cli.main(["--help"]) == 0
    usage, _, _ = capsys.readouterr().out.partition("\n\n")
    return frozenset(OPTION.findall(usage))


def command_in(code: str) -> tuple[str, str] | None:
    """The management command a piece of code calls, and what follows it."""
    called = re.search(r"manage\.py ([a-z_]+)\b(?!\.)(.*)", code)
    if called:
        return called[1], called[2]
    word, _, rest = code.removeprefix("$ ").partition(" ")
    return (word, rest) if word in our_commands() else None


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    said = {(where, name) for where, code in everything_said() for name in re.findall(r"\bmake ([a-z]+)", code)}
    assert {name for _, name in said} >= {"demo", "test"}
    assert [(where, name) for where, name in said if name not in targets] == []


def test_every_command_in_the_documents_exists_with_its_options(options_of_sandbox: frozenset[str]) -> None:
    known = {name: options_of_management_command(name) for name in get_commands() if name != "sandbox"}
    known["sandbox"] = options_of_sandbox
    of_ours = frozenset().union(*(known[name] for name in our_commands()))
    wrong = []
    for where, code in everything_said():
        found = command_in(code)
        if found and found[0] not in known:
            wrong.append(f"{where}: there is no command {found[0]}")
        elif found:
            wrong += [f"{where}: {found[0]} {o}" for o in OPTION.findall(found[1]) if o not in known[found[0]]]
        elif code.startswith("--") and OPTION.findall(code)[0] not in of_ours:
            wrong.append(f"{where}: no command of ours has {code}")
    assert wrong == []


def test_the_contract_names_every_command_of_ours_and_every_option(options_of_sandbox: frozenset[str]) -> None:
    said: dict[str, set[str]] = {}
    for name, rest in filter(None, map(command_in, code_in(CHECKOUT / "docs/contract.md"))):
        said.setdefault(name, set()).update(OPTION.findall(rest))
    django_has = options_of_management_command("check") | {"--help", "--json"}
    for name in sorted(our_commands()):
        options = options_of_sandbox if name == "sandbox" else options_of_management_command(name)
        assert name in said
        assert options - django_has - said[name] == set(), f"{name} has options the contract does not name"


def test_every_address_in_the_contract_is_served() -> None:
    rows = re.findall(r"^\| (`[^|]*/[^|]*) \|", (CHECKOUT / "docs/contract.md").read_text(), re.MULTILINE)
    addresses = [span.removeprefix("POST ") for row in rows for span in INLINE.findall(row) if "/" in span]
    assert "/callbacks/sinch/" in addresses
    for address in addresses:
        assert resolve(address.replace("<id>", "00000000-0000-4000-8000-000000000000"))


def test_every_variable_in_the_documents_is_in_the_example() -> None:
    known = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), re.MULTILINE))
    said = {(where, name) for where, code in everything_said() for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", code)}
    assert ("docs/deploy.md", "PUBLIC_URL") in said
    assert [(where, name) for where, name in sorted(said) if name not in known] == []


def test_every_path_in_the_documents_exists() -> None:
    path = re.compile(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./-]*\w")
    said = {(where, name) for where, code in everything_said() for name in path.findall(code)}
    assert ("docs/house.md", "billing/rating.py") in said
    assert [(where, name) for where, name in sorted(said) if not (CHECKOUT / name).exists()] == []


def tree() -> list[Path]:
    """Every name in the tree of docs/house.md, as a path. Names end where two blanks begin the explanation."""
    (text,) = blocks(CHECKOUT / "docs/house.md", "tree")
    paths: list[Path] = []
    folders = {-1: CHECKOUT}
    for line in filter(None, text.splitlines()):
        depth = (len(line) - len(line.lstrip())) // 2
        parent = folders[depth - 1]
        names = line.strip().split("  ")[0].split(" ")
        paths += [parent / name.rstrip("*") for name in names]
        if len(names) == 1 and names[0].endswith("/"):
            folders[depth] = parent / names[0]
    return paths


def test_everything_in_the_tree_exists() -> None:
    assert [path.relative_to(CHECKOUT).as_posix() for path in tree() if not path.exists()] == []


def test_every_module_of_the_apps_is_in_the_tree() -> None:
    named = set(tree())
    missing = [
        path.relative_to(CHECKOUT).as_posix()
        for app in APPS
        for path in (CHECKOUT / app).rglob("*.py")
        if path.name != "__init__.py" and not named & {path, *folders_listed_as_a_whole(path)}
    ]
    assert missing == []


def folders_listed_as_a_whole(path: Path) -> set[Path]:
    """Folders around it whose modules the tree does not list one by one."""
    return {folder for folder in path.parents if folder.name in ("migrations", "admin", "templatetags", "formats")}


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)}


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """Where a document's links inside the repository lead: file and anchor."""
    for address in LINK.findall(FENCED.sub("", document.read_text())):
        parts = urlsplit(address)
        if not parts.scheme:
            yield (document.parent / parts.path).resolve() if parts.path else document, parts.fragment


def test_every_link_leads_somewhere() -> None:
    broken = []
    for document in DOCUMENTS:
        for target, anchor in links(document):
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{document.relative_to(CHECKOUT)}: {target.name}#{anchor}")
    assert broken == []


def test_every_document_is_linked_from_another() -> None:
    linked = {target for document in DOCUMENTS for target, _ in links(document) if target != document}
    alone = [document.name for document in DOCUMENTS if document not in linked and document != CHECKOUT / "README.md"]
    assert alone == []


def texts() -> Iterator[tuple[str, str]]:
    """Every text file that belongs to the repository, whether git has heard of it yet or not."""
    ignored = {line.strip("/\n") for line in (CHECKOUT / ".gitignore").read_text().splitlines() if line.endswith("/")}
    for folder, names, files in os.walk(CHECKOUT):
        names[:] = [name for name in names if name not in ignored | {".git"}]
        for path in (Path(folder) / name for name in files):
            try:
                yield path.relative_to(CHECKOUT).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a picture or the like


def test_telephone_numbers_are_nobodys() -> None:
    found = {(where, number) for where, text in texts() for number in NUMBER.findall(text)}
    assert ("config/demo.py", "442079460101") in found
    somebodys = {(where, number) for where, number in found if not FICTION.fullmatch(number)}
    excepted = {(where, n) for where, n in somebodys if re.fullmatch(EXCEPTIONS.get(where, ("", ""))[0], n)}
    assert sorted(somebodys - excepted) == []
    assert EXCEPTIONS.keys() - {where for where, _ in excepted} == set(), "an exception that is not needed any more"


def test_no_path_of_one_machine_is_written_down() -> None:
    private = re.compile(r"(?<![\w.:/])/(?:home|root|Users|work|mnt)/\w")
    assert [where for where, text in texts() if private.search(text)] == []


def test_what_is_installed_is_pinned_by_hash_and_names_no_host() -> None:
    locks = sorted(CHECKOUT.glob("requirements*.lock"))
    assert len(locks) == 3
    for path in [
        *locks,
        CHECKOUT / "pyproject.toml",
        CHECKOUT / "Makefile",
        CHECKOUT / "Dockerfile",
        CHECKOUT / ".ci/run",
    ]:
        assert not re.search(r"index-url|find-links|://[^\s/]*(pypi|pythonhosted)", path.read_text()), path.name
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        assert re.findall(r"^\S+==\S+ .*(?<!\\)$", text, re.MULTILINE) == [], "a package without a hash"

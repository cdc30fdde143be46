"""An address tells a country when the operator has a database, in either shape of a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from pytest_django.fixtures import Settings

from softphone import geoip
from softphone.models import Softphone
from tests.builders import a_deck, an_access_number, an_account, an_application
from tests.softphone.scenes import a_line, a_softphone

SWEDEN = "198.51.100.7"
BRITAIN = "2001:db8::7"
FLAT = {"country_code": "SE"}
NESTED = {"country": {"iso_code": "SE", "names": {"en": "Sweden"}}}


def a_database(path: Path, record: dict[str, Any], kind: str = "country ipvAll") -> str:
    """A file that knows two networks; a Swedish one by this record."""
    writer = MMDBWriter(ip_version=6, database_type=kind, ipv4_compatible=True)
    writer.insert_network(IPSet(["198.51.100.0/24"]), record)
    writer.insert_network(IPSet(["2001:db8::/32"]), {"country_code": "GB"})
    writer.to_db_file(str(path))
    return str(path)


@pytest.mark.parametrize("record", [FLAT, NESTED])
def test_both_shapes_of_a_record_are_read(tmp_path: Path, settings: Settings, record: dict[str, Any]) -> None:
    settings.GEOIP_DB_PATH = a_database(tmp_path / "countries.mmdb", record)
    assert geoip.country_of(SWEDEN) == "SE"
    assert geoip.country_of(BRITAIN) == "GB"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "", "no address", "203.0.113.1"])
def test_an_address_of_nowhere_is_in_no_country(tmp_path: Path, settings: Settings, address: str) -> None:
    settings.GEOIP_DB_PATH = a_database(tmp_path / "countries.mmdb", FLAT)
    assert geoip.country_of(address) == ""


@pytest.mark.parametrize("record", [{"country_code": "Sweden"}, {"country": "SE"}, {"continent": {"code": "EU"}}])
def test_a_record_that_names_no_country_is_none(tmp_path: Path, settings: Settings, record: dict[str, Any]) -> None:
    settings.GEOIP_DB_PATH = a_database(tmp_path / "countries.mmdb", record)
    assert geoip.country_of(SWEDEN) == ""


def test_without_a_file_or_with_a_broken_one_nobody_knows(tmp_path: Path, settings: Settings) -> None:
    settings.GEOIP_DB_PATH = ""
    assert geoip.country_of(SWEDEN) == ""
    settings.GEOIP_DB_PATH = str(tmp_path / "missing.mmdb")
    assert geoip.country_of(SWEDEN) == ""
    (tmp_path / "broken.mmdb").write_bytes(b"not a database" * 100)
    settings.GEOIP_DB_PATH = str(tmp_path / "broken.mmdb")
    assert geoip.country_of(SWEDEN) == ""
    assert geoip.country_of(SWEDEN) == "", "asked again it is no better"


@pytest.mark.parametrize("word", [b"binary_format_major_version", b"languages", b"node_count", b"record_size"])
def test_a_damaged_file_is_no_file(tmp_path: Path, settings: Settings, word: bytes) -> None:
    settings.GEOIP_DB_PATH = a_database(tmp_path / "countries.mmdb", NESTED)
    file = Path(settings.GEOIP_DB_PATH)
    file.write_bytes(file.read_bytes().replace(word, word[:-1] + b"?"))
    assert geoip.country_of(SWEDEN) == ""


def test_a_newer_file_in_its_place_is_read(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "countries.mmdb"
    settings.GEOIP_DB_PATH = a_database(path, FLAT)
    assert geoip.country_of(SWEDEN) == "SE"
    a_database(tmp_path / "newer.mmdb", {"country_code": "NO", "padding": "so that its size differs"})
    (tmp_path / "newer.mmdb").replace(path)
    assert geoip.country_of(SWEDEN) == "NO"


@pytest.mark.django_db
def test_an_app_is_given_an_access_number_where_it_is(tmp_path: Path, settings: Settings, client: Client) -> None:
    settings.GEOIP_DB_PATH = a_database(tmp_path / "countries.mmdb", FLAT)
    a_deck({"44": "0.06"})
    application = an_application()
    an_access_number(application, "+442079460199", is_offered=True, is_default=True, leads="nowhere")
    an_access_number(application, "+46846500401", is_offered=True, leads="nowhere")
    a_softphone()
    line = a_line(an_account(numbers=["+447700900123"]), name="ana", softphone=Softphone.objects.get())
    asked = f"/acrobits/callthrough/?u=ana&token={line.token}&to=%2B442079460101&format=form"
    assert client.get(asked, REMOTE_ADDR=SWEDEN).content == b"dialString=%2B46846500401"
    assert client.get(asked, REMOTE_ADDR="203.0.113.1").content == b"dialString=%2B442079460199"

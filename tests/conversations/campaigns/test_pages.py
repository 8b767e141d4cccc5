"""The pages of campaigns, from the draft to the results, without a script."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, CustomRole, Membership
from accounts.roles import CUSTOM, Role
from conversations import delivery
from conversations.campaigns import running
from conversations.models import Campaign, CampaignRecipient
from omnistra.core.tenancy import workspace_scope
from tests.conftest import join
from tests.conversations.campaigns import crowd

pytestmark = pytest.mark.usefixtures("committed")
LIST = "/w/northwind/campaigns/"


@pytest.fixture
def number(workspace, member, platform):
    return crowd.number(workspace, member)


@pytest.fixture
def ines(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def only(workspace) -> Campaign:
    with workspace_scope(workspace.pk), transaction.atomic():
        return Campaign.objects.get()


def test_a_campaign_from_the_first_page_to_the_results(workspace, number, platform, ines):
    crowd.agree(workspace, crowd.people(workspace, 3))
    crowd.people(workspace, 2, first=10)  # without a yes
    channel, template = number
    assert "No campaign yet" in ines.get(LIST).content.decode()
    what = f"{channel.pk}:{template.pk}"
    page = ines.get(f"{LIST}new/", {"what": what}).content.decode()
    assert 'name="body.1"' in page and "the spring teas are here" in page
    made = ines.post(f"{LIST}new/", {"what": what, "name": "Spring", "body.1": "{{first_name|there}}"})
    campaign = only(workspace)
    url = f"{LIST}{campaign.pk}/"
    assert (made.status_code, made["Location"]) == (302, url)
    assert "Choose the people" in ines.get(url).content.decode()

    counted = ines.post(f"{url}people/", {"way": "known", "topic": ""})
    assert counted["Location"] == f"{url}#people"
    page = ines.get(url).content.decode()
    assert "Start: 3 people" in page and "There is no record that this person agreed" in page
    assert "4917000" not in page and "+49 ••• ••0" in page  # masked
    assert ines.post(f"{url}start/").status_code == 302
    assert "Pause" in ines.get(url).content.decode()
    for _ in range(2):
        running.step()
        delivery.deliver()
    page = ines.get(url).content.decode()
    assert "Finished" in page and len(platform.sent) == 3
    people = ines.get(f"{url}recipients/?state=skipped").content.decode()
    assert people.count("There is no record that this person agreed") == 2
    file = ines.post(f"{url}results/")
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert sorted(row["state"] for row in rows) == ["sent", "sent", "sent", "skipped", "skipped"]
    assert "4917000" not in file.getvalue().decode()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert AuditEntry.objects.filter(action="campaign.exported").count() == 1
    assert "Spring" in ines.get(LIST).content.decode()


def test_a_place_that_nothing_fills_is_told_at_its_field_and_nothing_is_written(workspace, number, ines):
    what = f"{number[0].pk}:{number[1].pk}"
    for values in (
        {"body.1": "{{order}}", "name": "x"},
        {"body.1": "", "name": "x"},
        {"body.1": "you", "name": "\x00"},
    ):
        answer = ines.post(f"{LIST}new/", {"what": what} | values)
        assert answer.status_code == 422, values
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {"way": "nonsense"}, {"way": "list"}, {"way": "list", "numbers": "\n \n"}, {"way": "known", "wrote_days": "-3"},
        {"way": "known", "topic": "nonsense"}, {"way": "list", "numbers": "x" * 10, "silent_days": "abc"}, {"again": "1"},
    ],
)  # fmt: skip
def test_people_that_cannot_be_read_are_refused_in_words_and_nothing_is_written(workspace, member, number, ines, form):
    what = f"{number[0].pk}:{number[1].pk}"
    ines.post(f"{LIST}new/", {"what": what, "name": "Spring", "body.1": "you"})
    campaign = only(workspace)
    assert ines.post(f"{LIST}{campaign.pk}/people/", form).status_code == 422
    assert only(workspace).segment is None and crowd.states(campaign) == {}


def test_a_list_comes_as_a_file_and_unknown_numbers_are_told_by_their_lines(workspace, member, number, ines):
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.draft(workspace, member, *number)
    url = f"{LIST}{campaign.pk}/"
    file = SimpleUploadedFile("people.csv", b"\xef\xbb\xbf+491700000000;Rui\n+351210000999\nNumber\n", "text/csv")
    assert ines.post(f"{url}people/", {"way": "list", "file": file}).status_code == 302
    page = ines.get(url).content.decode()
    assert "Start: 1 person" in page and "1 number is nobody" in page and "Lines that lead to nobody: 2, 3" in page
    assert "210000999" not in page
    wrong = SimpleUploadedFile("people.xlsx", b"PK\x03\x04\xff\xfe\x00", "application/zip")
    assert ines.post(f"{url}people/", {"way": "list", "file": wrong}).status_code == 422
    assert crowd.states(campaign) == {"pending": 1}


def test_pausing_resuming_stopping_and_deleting_go_by_buttons(workspace, member, number, platform, ines):
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    url = f"{LIST}{campaign.pk}/"
    ines.post(f"{url}pause/")
    assert "Somebody of your team paused it." in ines.get(url).content.decode()
    ines.post(f"{url}resume/")
    assert crowd.now(campaign) == ("running", "")
    ines.post(f"{url}stop/")
    assert crowd.now(campaign) == ("stopped", "by_member")
    ines.post(f"{url}discard/")  # too late
    ines.post(f"{url}resume/")
    assert crowd.now(campaign) == ("stopped", "by_member")
    draft = crowd.draft(workspace, member, *number)
    ines.post(f"{LIST}{draft.pk}/discard/")
    assert only(workspace).pk == campaign.pk and platform.sent == []


def test_what_changes_by_itself_is_asked_for_and_another_stage_loads_the_page(
    workspace, member, number, platform, ines
):
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    url = f"{LIST}{campaign.pk}/?part=progress&stage="
    part = ines.get(f"{url}running")
    assert "Gone out" in part.content.decode() and "<html" not in part.content.decode()
    assert ines.get(f"{url}scheduled")["HX-Refresh"] == "true"


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER, Role.PRIVACY_OFFICER])
def test_who_may_not_manage_campaigns_sees_none_and_starts_none(workspace, member, number, platform, role):
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.draft(workspace, member, *number)
    client = Client()
    client.force_login(join(workspace, role))
    assert client.get(LIST).status_code == 403
    for verb in ("start", "people", "discard", "results"):
        assert client.post(f"{LIST}{campaign.pk}/{verb}/", {"way": "known"}).status_code == 403
    running.step()
    delivery.deliver()
    assert crowd.now(campaign) == ("draft", "") and platform.sent == [] and crowd.written(workspace) == (0, 0)
    assert 'href="/w/northwind/campaigns/"' not in client.get("/w/northwind/inbox/", follow=True).content.decode()


def test_a_custom_role_may_manage_campaigns(workspace, member, number):
    user = join(workspace, Role.VIEWER)
    with workspace_scope(workspace.pk), transaction.atomic():
        role = CustomRole.objects.create(name="Marketing", permissions=["campaigns.manage", "workspace.view"])
        Membership.objects.filter(user=user).update(role=CUSTOM, custom_role=role)
    client = Client()
    client.force_login(user)
    assert client.get(LIST).status_code == 200


def test_pages_of_a_campaign_take_as_many_queries_for_fifty_people_as_for_five(workspace, member, number, ines):
    campaigns = []
    for count, first in ((5, 0), (50, 100)):
        crowd.agree(workspace, crowd.people(workspace, count, first))
        campaigns.append(crowd.draft(workspace, member, *number))
    ines.get(LIST)
    for page in ("", "recipients/"):
        seen = []
        for campaign in campaigns:
            with CaptureQueriesContext(connection) as queries:
                assert ines.get(f"{LIST}{campaign.pk}/{page}").status_code == 200
            seen.append(len(queries))
        assert seen[0] == seen[1]
        assert seen[0] < 60


def test_people_are_shown_page_by_page_each_once(workspace, member, number, ines, monkeypatch):
    crowd.people(workspace, 120)
    campaign = crowd.draft(workspace, member, *number)
    url, names = f"{LIST}{campaign.pk}/recipients/", 0
    address, pages = url, 0
    while address and pages < 9:
        page = ines.get(address).content.decode()
        names += page.count('data-label="Person"')
        pages += 1
        _, _, rest = page.partition('href="?after=')
        address = f"{url}?after={rest.partition(chr(34))[0]}" if rest else ""
    assert (names, pages) == (120, 3)
    assert ines.get(f"{url}?after=nonsense&state=nonsense").status_code == 200
    with workspace_scope(workspace.pk), transaction.atomic():
        assert CampaignRecipient.objects.count() == 120

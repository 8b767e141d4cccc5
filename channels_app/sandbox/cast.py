"""Who stands ready for a visitor: a few people to play, a contact card that they can send, and the shop that the
sandbox can open for them.

Their numbers are reserved for fiction where a country reserves some, else invented."""

from typing import Any

BUSINESS: dict[str, Any] = {
    "waba_id": "310000000000410",
    "phone_number_id": "210000000004101",
    "display_phone_number": "+351 210 000 410",
    "verified_name": "Northwind Tea",
}
PAGE: dict[str, Any] = {"page_id": "110000000004101", "name": "Northwind Tea", "username": "northwindtea"}
INSTAGRAM: dict[str, Any] = {"ig_id": "17841400000004101", "username": "northwind.tea", "name": "Northwind Tea"}
# What the page opens where an app has nothing yet: app, call of the control API, its body, in words.
OPENINGS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("whatsapp", "business", BUSINESS, "Northwind Tea"),
    ("messenger", "page", PAGE, "Northwind Tea's Page"),
    ("instagram", "instagram", INSTAGRAM, "@northwind.tea"),
)
AD: dict[str, Any] = {
    "source_url": "https://fb.me/northwind-autumn",
    "source_id": "120200000000000001",
    "source_type": "ad",
    "headline": "Autumn teas",
    "body": "Free shipping this week",
    "media_type": "image",
    "ctwa_clid": "ARNorthwindClick01",
}
PAGE_AD: dict[str, Any] = {
    "ref": "autumn",
    "ad_id": "120200000000000001",
    "source": "ADS",
    "type": "OPEN_THREAD",
    "ads_context_data": {"ad_title": "Autumn teas", "post_id": "110000000004101_5001"},
}
READY_MADE: tuple[dict[str, str], ...] = (
    {"name": "Maya Osei", "wa_id": "447700900583", "country": "GB"},
    {"name": "Felix Brandt", "wa_id": "4915254599371", "country": "DE"},
    {"name": "Élodie Roux", "wa_id": "33639987740", "country": "FR"},
    {"name": "Ethan Park", "wa_id": "12025550188", "country": "US"},
    {"name": "ليلى منصور", "wa_id": "201000000417", "country": "EG"},
    {"name": "高橋 結衣", "wa_id": "819000000418", "country": "JP"},
)
CARD: list[dict[str, Any]] = [
    {
        "name": {"formatted_name": "Dan Whitlock", "first_name": "Dan", "last_name": "Whitlock"},
        "phones": [{"phone": "+44 7700 900 771", "type": "WORK"}],
        "emails": [{"email": "dan@harehound.example", "type": "WORK"}],
        "org": {"company": "Hare & Hound Coffee"},
    }
]

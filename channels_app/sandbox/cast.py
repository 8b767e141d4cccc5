"""Who stands ready for a visitor: a few people to play, and the shop that the sandbox can open for them.

Their numbers are reserved for fiction where a country reserves some, else invented."""

from typing import Any

BUSINESS: dict[str, Any] = {
    "waba_id": "310000000000410",
    "phone_number_id": "210000000004101",
    "display_phone_number": "+351 210 000 410",
    "verified_name": "Northwind Tea",
}
READY_MADE: tuple[dict[str, str], ...] = (
    {"name": "Maya Okafor", "wa_id": "447700900142", "country": "GB"},
    {"name": "Jonas Brandt", "wa_id": "4915228817386", "country": "DE"},
    {"name": "Camille Roux", "wa_id": "33639981204", "country": "FR"},
    {"name": "Ethan Park", "wa_id": "12025550143", "country": "US"},
    {"name": "ليلى منصور", "wa_id": "201000000417", "country": "EG"},
    {"name": "高橋 結衣", "wa_id": "819000000418", "country": "JP"},
)

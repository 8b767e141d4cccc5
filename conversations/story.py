"""What the demo's people wrote: a specialty tea shop in Berlin and Porto, its customers, its ordinary weeks.

Phone numbers come from ranges that are reserved for fiction, or are invented.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line: who says it (`customer` or `shop`), how long ago, what; `quotes` and `reacts` name an earlier line."""

    who: str
    ago: timedelta
    text: str = ""
    status: str = "read"
    quotes: int | None = None
    reacts: int | None = None
    place: dict[str, Any] | None = None
    file: tuple[str, str, str, Callable[[], bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """One person's conversation. `assignee` is the place of a member in the demo's team."""

    name: str
    number: str
    lines: tuple[Line, ...]
    unread: int = 0
    closed: bool = False
    assignee: int | None = None


def _ago(days: int = 0, hours: int = 0, minutes: int = 0) -> timedelta:
    return timedelta(days=days, hours=hours, minutes=minutes)


def c(days: int, hours: int, minutes: int, text: str = "", **more: Any) -> Line:
    """A customer's line, so long ago."""
    return Line("customer", _ago(days, hours, minutes), text, **more)


def s(days: int, hours: int, minutes: int, text: str, **more: Any) -> Line:
    """The shop's line, so long ago."""
    return Line("shop", _ago(days, hours, minutes), text, **more)


def _picture() -> bytes:
    from channels_app.sandbox import samples

    return samples.picture(0)


def _order() -> bytes:
    from channels_app.sandbox import samples

    return samples.document("Purchase order 2026-118", ("12 kg Assam TGFOP", "8 kg Darjeeling first flush"))


STORY: tuple[Customer, ...] = (
    Customer("Lena Fields", "4915228817386", (
        c(0, 0, 52, "Hi! Is the Darjeeling first flush back in stock? Your page says Thursday"),
        s(0, 0, 47, "Hello Lena! It came in this morning, 40 tins. Shall I put one aside for you?"),
        c(0, 0, 44, "Oh perfect. Two please, one is a present"),
        c(0, 0, 43, "Could you wrap that one?"),
        s(0, 0, 40, "Gladly. Two tins, one wrapped with the blue ribbon. They're at the counter from 3 pm.", quotes=3),
        c(0, 0, 12, "🙏", reacts=4),
        c(0, 0, 6, "One more thing: can I pay in the shop, or do you send me a link?"),
    ), unread=1, assignee=0),
    Customer("Rui Prado", "351910000321", (
        c(0, 2, 40, "Bom dia, a encomenda 4711 chegou com uma lata amolgada"),
        c(0, 2, 39, file=("image", "image/png", "lata.png", _picture)),
        s(0, 2, 21, "Bom dia Rui, lamentamos muito. Enviamos hoje uma nova, sem custos. Pode ficar com a outra."),
        c(0, 2, 15, "Que rápido, obrigado!"),
    ), assignee=1),
    Customer("Priya Nair", "447700900142", (
        c(0, 4, 5, "Hello, I run a small café in Leeds and we'd love to carry your Assam and the Darjeeling. "
          "Do you have wholesale prices and a minimum order?"),
        s(0, 3, 50, "Hello Priya, how lovely! We start at 5 kg a tea. I can send you the list today."),
        c(0, 3, 31, "Please do. This is what we'd start with:"),
        c(0, 3, 30, file=("document", "application/pdf", "purchase-order-2026-118.pdf", _order)),
        c(0, 3, 29, "Delivery before 10 December would be ideal."),
    ), unread=3),
    Customer("Jonas Weber", "4915228895456", (
        c(0, 6, 30, "Zum dritten Mal steht mein Paket auf \"in Zustellung\" und es kommt nichts. Das ist ärgerlich."),
        s(0, 6, 12, "Guten Morgen Herr Weber, das verstehe ich. Ich rufe gleich beim Paketdienst an."),
        s(0, 5, 48, "Der Fahrer hatte eine falsche Hausnummer. Heute zwischen 16 und 18 Uhr, fest versprochen."),
        c(0, 5, 40, "Gut. Ich bin zu Hause."),
    ), assignee=2),
    Customer("Camille Laurent", "33639981204", (
        c(0, 20, 45, "Bonjour, vous livrez aussi à Lyon ?"),
        s(0, 20, 30, "Bonjour Camille ! Oui, en trois jours, et gratuitement dès 45 €."),
        c(0, 20, 22, "Parfait, merci beaucoup 😊"),
    )),
    Customer("Marcus Bell", "12025550143", (
        c(0, 21, 50, "Where exactly is the Porto shop? I'm around Livraria Lello right now"),
        s(0, 21, 44, "Five minutes on foot: Rua das Flores 12. We're open until seven."),
        c(0, 21, 40, place={"latitude": 41.1469, "longitude": -8.6149, "name": "Livraria Lello",
                             "address": "R. das Carmelitas 144, Porto"}),
        c(0, 21, 39, "I'm here"),
        s(0, 21, 36, "Straight down the hill, then left at the blue tiles. The kettle is on."),
    ), closed=True),
    Customer("Sofia Almeida", "351910000455", (
        c(1, 3, 20, "Olá! O workshop de sábado ainda tem lugares?"),
        s(1, 3, 2, "Olá Sofia! Ainda há três. São duas horas, seis chás, e leva um caderno para casa."),
        c(1, 2, 55, "Fico com dois, para mim e para a minha mãe"),
        s(1, 2, 50, "Está feito. Sábado às 15h."),
    ), assignee=1),
    Customer("Yusuf Kaya", "4915228817999", (
        c(1, 8, 0, "Which water temperature for the Gyokuro? I keep making it bitter"),
        s(1, 7, 41, "55 °C, 90 seconds, and not a second more. Let the kettle stand open for ten minutes first."),
        c(1, 7, 20, "That's the whole secret? Trying tonight"),
        c(1, 1, 4, "It worked!! Completely different tea. Thank you"),
        s(1, 0, 50, "That makes our day."),
    )),
    Customer("Hannah Schmitt", "4915228817111", (
        c(2, 5, 15, "Ich möchte eine Rechnung mit Umsatzsteuer-ID für die Bestellung vom 3."),
        s(2, 4, 58, "Gern. Ist die Adresse noch die Kantstraße?"),
        c(2, 4, 40, "Ja, genau."),
        s(2, 4, 31, "Die Rechnung ist per Mail unterwegs."),
    ), closed=True, assignee=0),
    Customer("Aoife Byrne", "353209130042", (
        c(3, 2, 10, "Do you still have the cast-iron pot in green?"),
        s(3, 1, 50, "The last one! Shall we keep it for you?"),
        s(3, 1, 49, "We can also send it, 6.90 to Ireland.", status="delivered"),
    )),
    Customer("Chiara Conti", "390655512", (
        c(5, 6, 0, "Buongiorno, posso cambiare l'indirizzo dell'abbonamento?"),
        s(5, 5, 30, "Certo! Ci mandi il nuovo indirizzo e da dicembre arriva lì."),
        c(5, 5, 10, "Via dei Mille 8, Torino. Grazie!"),
        s(5, 5, 2, "Fatto."),
    ), closed=True),
    Customer("Daniel Okoro", "447700900317", (
        c(8, 4, 0, "My subscription renewed but I'm abroad until March. Can I pause it?"),
        s(8, 3, 30, "Of course: paused until 1 March, and this month's payment goes back today."),
        c(8, 3, 20, "Brilliant service."),
    )),
    Customer("Mei Tanaka", "818000123456", (
        c(14, 2, 0, "こんにちは。日本への発送は可能ですか？"),
        s(14, 1, 20, "Hello Mei! Yes, in about nine days. I'll write the details in English, is that all right?"),
        c(14, 1, 0, "Yes, thank you very much"),
        s(14, 0, 40, "Shipping is 18 €, and customs are included above 80 €.", status="failed"),
    )),
    Customer("Pedro Nunes", "351910000777", (
        c(26, 3, 0, "Boa tarde, têm chá branco a granel?"),
        s(26, 2, 30, "Temos dois: Pai Mu Tan e Silver Needle. A partir de 50 g."),
        c(26, 2, 10, "Passo aí amanhã"),
    ), closed=True),
    Customer("Greta Lindqvist", "46701740699", (
        c(38, 5, 0, "Hej! Is the advent calendar with 24 teas coming back this year?"),
        s(38, 4, 30, "It is! From 1 November, and there are 300 of them."),
        c(38, 4, 10, "❤️", reacts=1),
    ), closed=True),
)  # fmt: skip

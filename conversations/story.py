"""What the demo's people wrote: a specialty tea shop in Berlin and Porto, its customers, its ordinary weeks.

Phone numbers come from ranges that are reserved for fiction, or are invented.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

BERLIN, PORTO, PAGE, INSTAGRAM = 0, 1, 2, 3  # the shop's channels
INES, TOMAS, AYLIN = 0, 1, 2  # places in the demo's team
LELLO = {"latitude": 41.1469, "longitude": -8.6149, "name": "Livraria Lello", "address": "R. das Carmelitas 144, Porto"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: who says it (`customer` or `shop`), how long ago, what; `quotes` and `reacts` name an earlier line,
    `sample` a ready-made file of the sandbox."""

    who: str
    ago: timedelta
    text: str = ""
    status: str = "read"
    quotes: int | None = None
    reacts: int | None = None
    place: dict[str, Any] | None = None
    card: bool = False
    unsupported: bool = False
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """One person's conversation on one of the shop's channels. On a Page or Instagram the number is the sandbox's name for
    the person alone."""

    name: str
    number: str
    lines: tuple[Line, ...]
    unread: int = 0
    closed: bool = False
    assignee: int | None = None
    at: int = BERLIN


def c(days: int, hours: int, minutes: int, text: str = "", **more: Any) -> Line:
    """A customer's line, so long ago."""
    return Line("customer", timedelta(days=days, hours=hours, minutes=minutes), text, **more)


def s(days: int, hours: int, minutes: int, text: str, **more: Any) -> Line:
    """The shop's line, so long ago."""
    return Line("shop", timedelta(days=days, hours=hours, minutes=minutes), text, **more)


def _weekly(weeks: int) -> tuple[Line, ...]:
    """A café that has ordered every week: a thread that is longer than a page."""
    extras = ("", " und 1 kg Rooibos", "", " und 500 g Lapsang", " und zwei Teekannen", "")
    lines: list[Line] = []
    for week in range(weeks, 0, -1):
        lines += [
            c(7 * week, 7, 20, f"Guten Morgen! Wie immer bitte: 2 kg Earl Grey{extras[week % len(extras)]}"),
            s(7 * week, 7, 5, "Notiert, Lieferung Donnerstag früh."),
            c(7 * week, 7, 1, "Danke euch!"),
        ]
    return tuple(lines)


STORY: tuple[Customer, ...] = (
    Customer("Lena Fields", "4915228817386", (
        c(0, 0, 52, "Hi! Is the Darjeeling first flush back in stock? Your page says Thursday"),
        s(0, 0, 47, "Hello Lena! It came in this morning, 40 tins. Shall I put one aside for you?"),
        c(0, 0, 44, "Oh perfect. Two please, one is a present"),
        c(0, 0, 43, "Could you wrap that one?"),
        s(0, 0, 40, "Gladly. Two tins, one wrapped with the blue ribbon. They're at the counter from 3 pm.", quotes=3),
        c(0, 0, 12, "🙏", reacts=4),
        c(0, 0, 4, "One more thing: can I pay in the shop, or do you send me a link?"),
    ), unread=1, assignee=INES),
    Customer("Noah Whitfield", "12025550143", (
        c(0, 0, 31, "Hello, are you open today?"),
        s(0, 0, 28, "Hello Noah! Until seven. Rua das Flores 12, the blue door."),
        c(0, 0, 9, sample="voice"),
    ), unread=1, at=PORTO),
    Customer("Rui Cardoso", "351910000321", (
        c(0, 0, 58, "Bom dia, a encomenda 4711 chegou, mas com uma lata amolgada"),
        c(0, 0, 57, sample="tin"),
        s(0, 0, 39, "Bom dia Rui, lamentamos muito! Enviamos hoje uma nova, sem custos. Fique com a outra.", quotes=1),
        c(0, 0, 25, "Que rápido, obrigado!"),
    ), assignee=TOMAS, at=PORTO),
    Customer("Priya Nair", "447700900142", (
        c(0, 2, 35, "Hello, I run a small café in Leeds and we'd love to carry your Assam and the Darjeeling. "
          "Do you have wholesale prices and a minimum order?"),
        s(0, 2, 20, "Hello Priya, how lovely! We start at 5 kg a tea. I can send you the list today."),
        c(0, 1, 13, "Please do. This is what we'd start with:"),
        c(0, 1, 12, sample="order"),
        c(0, 1, 11, card=True),
        c(0, 1, 10, "Dan takes deliveries. Before 10 December would be ideal."),
    ), unread=4),
    Customer("Aoife Byrne", "353209130042", (
        c(0, 2, 6, sample="pot", text="This one! Do you still have it in green?"),
        s(0, 1, 52, "We do: the very last one. Shall we keep it for you, or send it? 6.90 € to Ireland."),
        c(0, 1, 44, "Send it please 🙌"),
    ), unread=1, assignee=AYLIN),
    Customer("Jonas Weber", "4915228895456", (
        c(0, 3, 30, "Zum dritten Mal steht mein Paket auf „in Zustellung“ und es kommt nichts. Das ist ärgerlich."),
        s(0, 3, 12, "Guten Morgen Herr Weber, das verstehe ich. Ich rufe gleich beim Paketdienst an."),
        s(0, 2, 48, "Der Fahrer hatte eine falsche Hausnummer. Heute zwischen 16 und 18 Uhr, fest versprochen."),
        c(0, 2, 40, "Gut. Ich bin zu Hause."),
        c(0, 2, 39, "👍", reacts=2),
    ), assignee=AYLIN),
    Customer("Elif Şahin", "905320000146", (
        c(0, 4, 2, "Merhaba, siyah çaylarınız organik mi?"),
        s(0, 3, 40, "Merhaba Elif! Assam ve Darjeeling organik sertifikalı, Earl Grey değil."),
        c(0, 3, 28, "Teşekkürler, o zaman Assam alıyorum"),
        s(0, 3, 20, "Harika. Ödeme bağlantısını e-postanıza gönderdik.", status="delivered"),
    ), assignee=AYLIN),
    Customer("Café Brühl", "4915254599370", (
        *_weekly(18),
        c(0, 5, 20, "Guten Morgen! Diese Woche bitte doppelt, wir haben am Samstag ein Straßenfest."),
        s(0, 5, 2, "Sehr gern: 4 kg Earl Grey. Sollen wir Becher zum Probieren dazulegen?"),
        c(0, 4, 51, "Unbedingt 😍"),
        s(0, 4, 46, "Ist gepackt. Lieferung Donnerstag früh, viel Spaß beim Fest!"),
    ), assignee=INES),
    Customer("Karim Haddad", "96181000233", (
        c(0, 6, 14, "مرحبا، هل تشحنون إلى بيروت؟"),
        s(0, 5, 58, "Hello Karim! We do, in about eight days. Is English all right for the details?"),
        c(0, 5, 31, "نعم، شكراً جزيلاً. كم تكلفة الشحن؟"),
    ), unread=1),
    Customer("Marisol Vega", "34600000733", (
        c(0, 1, 34, "Hi! I saw your post about the autumn teas. Do you ship to the Canary Islands?"),
        s(0, 1, 20, "Hello Marisol! We do: 9 € and about six days, customs included."),
        c(0, 1, 5, "Great, and could you put in a sample of the smoked one?"),
    ), unread=1, at=PAGE),
    Customer("Kofi Mensah", "447700900655", (
        c(0, 2, 15, "That glass teapot in your story 😍 is it for sale?"),
        s(0, 2, 2, "It is! 38 €, with the bamboo lid. Shall I send you the link?"),
        c(0, 1, 58, "Yes please"),
        c(0, 1, 57, "❤️", reacts=1),
    ), assignee=AYLIN, at=INSTAGRAM),
    Customer("Ingrid Solberg", "4740000233", (
        c(0, 18, 40, "Do you have a shop in Oslo as well?"),
        s(0, 18, 22, "Not yet, Ingrid. Berlin and Porto, and we send to Norway every day."),
    ), at=PAGE),
    Customer("Mei Tanaka", "819000000655", (
        c(1, 2, 30, "Your matcha bowl looks so good! Which grade is it?"),
        s(1, 2, 11, "Thank you Mei! Ceremonial, first harvest from Uji."),
    ), assignee=AYLIN, at=INSTAGRAM),
    Customer("Marta Kowalska", "48600000418", (
        c(0, 7, 5, "Hi, I'm moving on the 1st. Can you change the address of my subscription?"),
        s(0, 6, 50, "Of course! What's the new one?"),
        c(0, 6, 44, "ul. Długa 14/3, 31-147 Kraków"),
        s(0, 6, 41, "Changed. The December box goes to Kraków."),
    ), assignee=INES),
    Customer("Isabel Moreno", "34600000512", (
        c(0, 8, 22, "Buenas, ¿tienen té matcha ceremonial?"),
        c(0, 8, 21, "Y si lo tienen, ¿de qué cosecha?"),
    ), unread=2),
    Customer("Ana Ribeiro", "351910000466", (
        c(0, 9, 48, "Queria oferecer um cheque-prenda de 50 €. Posso imprimir em casa?"),
        s(0, 9, 30, "Pode sim, Ana: chega em PDF, com o texto que quiser."),
        c(0, 9, 2, "Perfeito. Para a Teresa, com um beijinho da Ana"),
        s(0, 8, 55, "Está no seu e-mail."),
    ), assignee=TOMAS, at=PORTO),
    Customer("Giulia Ferri", "390655509", (
        c(0, 11, 40, "Buonasera, l'ordine 4688 è già partito?"),
        s(0, 11, 5, "Buonasera Giulia, parte domattina con il corriere. Ecco il numero di tracciamento: NW4688IT",
          status="failed"),
    ), assignee=TOMAS),
    Customer("Henrik Dahl", "4740000187", (
        c(0, 13, 15, "Is the advent calendar gift-wrapped when it arrives?"),
        s(0, 12, 50, "It comes in a linen bag with a card. We write what you like."),
        c(0, 12, 36, "Lovely. \"From your uncle in Bergen\", please"),
        s(0, 12, 30, "Written, by hand."),
    )),
    Customer("Camille Laurent", "33639981204", (
        c(0, 20, 45, "Bonjour, vous livrez aussi à Lyon ?"),
        s(0, 20, 30, "Bonjour Camille ! Oui, en trois jours, et gratuitement dès 45 €."),
        c(0, 20, 22, "Parfait, merci beaucoup 😊"),
    )),
    Customer("Oliver Grant", "447700900317", (
        c(0, 21, 38, "My delivery is planned for Friday, but nobody is home. Could it come on Saturday?"),
        c(0, 21, 37, "Or leave it with number 14, they know"),
    ), unread=2),
    Customer("Marcus Bell", "12025550177", (
        c(0, 21, 50, "Where exactly is the Porto shop? I'm around Livraria Lello right now"),
        s(0, 21, 44, "Five minutes on foot: Rua das Flores 12. We're open until seven."),
        c(0, 21, 40, place=LELLO),
        c(0, 21, 39, "I'm here"),
        s(0, 21, 36, "Straight down the hill, then left at the blue tiles. The kettle is on."),
    ), closed=True, assignee=TOMAS, at=PORTO),
    Customer("Fatou Diallo", "33639981377", (
        c(0, 23, 5, "Avez-vous une théière en verre qui résiste à l'eau bouillante ?"),
        s(0, 22, 50, "Oui, en verre borosilicate, 0,8 l. Je vous la mets de côté ?"),
    ), assignee=AYLIN),
    Customer("Sofia Almeida", "351910000455", (
        c(1, 3, 20, "Olá! O workshop de sábado ainda tem lugares?"),
        s(1, 3, 2, "Olá Sofia! Ainda há três. São duas horas, seis chás, e leva um caderno para casa."),
        c(1, 2, 55, "Fico com dois, para mim e para a minha mãe"),
        s(1, 2, 50, "Está feito. Sábado às 15h."),
    ), assignee=TOMAS, at=PORTO),
    Customer("Yusuf Kaya", "4915228817999", (
        c(1, 8, 0, "Which water temperature for the Gyokuro? I keep making it bitter"),
        s(1, 7, 41, "55 °C, 90 seconds, and not a second more. Let the kettle stand open for ten minutes first."),
        c(1, 7, 20, "That's the whole secret? Trying tonight"),
        c(1, 4, 4, "It worked!! Completely different tea. Thank you"),
        s(1, 3, 50, "That makes our day."),
    )),
    Customer("Hannah Schmitt", "4915228817111", (
        c(2, 5, 15, "Ich möchte eine Rechnung mit Umsatzsteuer-ID für die Bestellung vom 3."),
        s(2, 4, 58, "Gern. Ist die Adresse noch die Kantstraße?"),
        c(2, 4, 40, "Ja, genau."),
        s(2, 4, 31, "Die Rechnung ist per Mail unterwegs."),
    ), closed=True, assignee=INES),
    Customer("Nora Lindgren", "46701740605", (
        c(2, 6, 30, "Hej! Do you have a tasting box for beginners?"),
        s(2, 6, 2, "We do: eight teas, 10 g each, with a small guide. 24 €."),
        c(2, 5, 50, unsupported=True),
        s(2, 5, 40, "That one didn't reach us, WhatsApp couldn't show it. Could you write it as text?"),
    )),
    Customer("Daniel Okoro", "447700900861", (
        c(3, 4, 0, "My subscription renewed but I'm abroad until March. Can I pause it?"),
        s(3, 3, 30, "Of course: paused until 1 March, and this month's payment goes back today."),
        c(3, 3, 20, "Brilliant service."),
    )),
    Customer("Peter Vogel", "4915254599377", (
        c(4, 7, 10, "Die Dose vom letzten Mal war ein anderer Tee als sonst, oder?"),
        s(4, 6, 40, "Gut bemerkt: neue Ernte, etwas kräftiger. Die alte haben wir noch, wenn Sie mögen."),
        c(4, 6, 31, "Nein, die neue gefällt mir besser!"),
    ), assignee=INES),
    Customer("Mei Tanaka", "818000123456", (
        c(6, 2, 0, "こんにちは。日本への発送は可能ですか？"),
        s(6, 1, 20, "Hello Mei! Yes, in about nine days. I'll write the details in English, is that all right?"),
        c(6, 1, 0, "Yes, thank you very much"),
        s(6, 0, 40, "Shipping is 18 €, and customs are included above 80 €.", status="failed"),
    )),
    Customer("Chiara Conti", "390655512", (
        c(7, 6, 0, "Buongiorno, posso cambiare l'indirizzo dell'abbonamento?"),
        s(7, 5, 30, "Certo! Ci mandi il nuovo indirizzo e da dicembre arriva lì."),
        c(7, 5, 10, "Via dei Mille 8, Torino. Grazie!"),
        s(7, 5, 2, "Fatto."),
    ), closed=True, assignee=AYLIN),
    Customer("Wim de Vries", "31600000229", (
        c(12, 3, 0, "Is de winkel in Berlijn zondag open?"),
        s(12, 2, 40, "Hallo Wim! Zondag gesloten, zaterdag tot zes uur."),
        c(12, 2, 31, "Top, dan kom ik zaterdag"),
    ), closed=True),
    Customer("Pedro Nunes", "351910000777", (
        c(26, 3, 0, "Boa tarde, têm chá branco a granel?"),
        s(26, 2, 30, "Temos dois: Pai Mu Tan e Silver Needle. A partir de 50 g."),
        c(26, 2, 10, "Passo aí amanhã"),
    ), closed=True, at=PORTO),
    Customer("Greta Lindqvist", "46701740699", (
        c(38, 5, 0, "Hej! Is the advent calendar with 24 teas coming back this year?"),
        s(38, 4, 30, "It is! From 1 November, and there are 300 of them."),
        c(38, 4, 10, "❤️", reacts=1),
    ), closed=True),
    Customer("Rui Cardoso", "351910000321", (
        c(61, 5, 0, "Bom dia! Estou em Berlim esta semana. A loja aceita devoluções do Porto?"),
        s(61, 4, 40, "Bom dia Rui! Claro que sim, basta trazer o talão."),
        c(61, 4, 31, "Ótimo, até amanhã"),
    ), closed=True),
)  # fmt: skip

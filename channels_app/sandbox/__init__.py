"""The other side of WhatsApp, Messenger and Instagram, for newcomers, tests and benchmarks: a stand-in for the Graph API
and a phone page on which to play the customer. It speaks to the product over HTTP only, with real signed webhooks, and
imports none of it. It exists under local and test settings alone."""

"""What Meta's platforms share: signatures, Graph calls, downloads, and the events of Messenger and Instagram."""

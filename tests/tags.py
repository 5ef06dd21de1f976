"""Pages of HTML, read tag by tag."""

from html.parser import HTMLParser

HOSTILE = "<script>alert(1)</script>"
NO_END = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta"}


class Tags(HTMLParser):
    """Opened and closed tags, and everything that could be loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.loaded, self.text = [], set(), [], ""

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        # What a page brings along itself is not loaded.
        self.loaded += [
            name
            for name, value in attrs
            if name[:2] == "on"
            or (name in ("src", "href") and not value.startswith("data:image/gif;"))
        ]
        if tag not in NO_END:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    @classmethod
    def of(cls, text):
        tags = cls()
        tags.feed(text)
        tags.close()
        return tags

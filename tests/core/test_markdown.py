"""Whatever a reason holds, Markdown shows it as it is."""

from streamgauge.core.markdown import as_markdown


def test_markdown_shows_the_text_as_it_is():
    """Names hold `_` and `*`; a broker's error can hold anything, a link among it."""
    assert as_markdown("lag of billing-*") == r"lag of billing-\*"
    assert as_markdown("a_b [x](http://y) <b> `c` #1 | ~~d~~ &lt; \\") == (
        r"a\_b \[x\](http://y) \<b\> \`c\` \#1 \| \~\~d\~\~ \&lt; \\"
    )

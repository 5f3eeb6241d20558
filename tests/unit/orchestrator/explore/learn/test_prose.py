from orchestrator.explore.learn.lessons import read_lessons
from orchestrator.explore.learn.prose import prose


def test_marks_become_elements_and_markup_becomes_text() -> None:
    assert prose("**A** `b<c>` and *d*, 2 * 3\nin [one](x.md).") == (
        "<p><strong>A</strong> <code>b&lt;c&gt;</code> and <em>d</em>, 2 * 3 in one.</p>"
    )


def test_a_command_keeps_its_lines() -> None:
    assert prose("Run:\n\n```sh\na\nb\n```\n\nThen look.") == (
        "<p>Run:</p>\n<pre><code>a\nb</code></pre>\n<p>Then look.</p>"
    )


def test_a_picture_is_left_out() -> None:
    assert prose("Look:\n\n![a picture](../x.svg)\n") == "<p>Look:</p>"


def test_no_mark_is_left_in_any_lesson() -> None:
    texts = [prose(each) for one in read_lessons() for each in (one.setting, one.question)]
    assert [text for text in texts if "`" in text or "](" in text or "**" in text] == []

"""No number in any place of a message leaves a worker unmasked."""

import json
from typing import Any

import pytest

from holdgate import headers
from holdgate.detect import Detector
from holdgate.extract.budget import Limits
from holdgate.scan.inspect import Inspector
from holdgate.scan.preview import preview
from tests.support.planted_message import Planted, compose


@pytest.fixture(scope="module")
def inspector(detector: Detector) -> Inspector:
    return Inspector(detector, ["dlp-pii"], Limits())


def test_no_planted_number_leaves_a_worker_unmasked(inspector: Inspector) -> None:
    planted = Planted()
    content, _ = compose(planted)
    assert len(planted.numbers) >= 58
    words: dict[str, Any] = {
        name.replace("-", "_"): headers.first(content, name) or "" for name in ("subject", "message-id")
    }
    words["header_from"] = headers.first(content, "from") or ""
    found = inspector.inspect(content, **words).to_json()
    assert planted.readable(json.dumps(found, ensure_ascii=False)) == []
    assert planted.readable(json.dumps(inspector.explain(content), ensure_ascii=False)) == []
    shown = preview(inspector.extract(content, None), inspector.find, 0)
    text = "".join(segment["text"] for part in shown["parts"] for segment in part.pop("segments"))
    assert planted.readable(json.dumps(shown, ensure_ascii=False)) == []
    assert planted.readable(text) == []

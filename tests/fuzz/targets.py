"""All fuzz targets except the extraction, which needs a process for each file (see script/fuzz)."""

from tests.fuzz import agent, api, files, milter, nodes, replies, seals, tokens
from tests.fuzz.frame import Target

TARGETS: dict[str, Target] = {
    module.TARGET.name: module.TARGET for module in (milter, replies, agent, nodes, files, tokens, seals, api)
}

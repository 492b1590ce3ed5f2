"""Routes of administration: the words people write, and the CDISC term (ROUTE, C66729) that each of them means."""

from __future__ import annotations

_WORDS = {
    "INTRAVENOUS": "iv, i.v., intravenous, intravenously, intravenous infusion, 静脉, 静脉输注, 静脉给药, 经静脉",
    "INTRAVENOUS BOLUS": "iv bolus, iv push, intravenous bolus, intravenous injection, 静脉推注, 静推, 静脉注射",
    "INTRAVENOUS DRIP": "iv drip, intravenous drip, 静脉滴注, 静滴",
    "ORAL": "po, p.o., oral, orally, by mouth, per os, 口服, 经口",
    "SUBLINGUAL": "sl, sublingual, 舌下, 舌下含服",
    "SUBCUTANEOUS": "sc, s.c., sq, subcut, subcutaneous, subcutaneously, 皮下, 皮下注射",
    "INTRAMUSCULAR": "im, i.m., intramuscular, intramuscularly, 肌内, 肌内注射, 肌肉注射, 肌注",
    "INTRADERMAL": "id, i.d., intradermal, 皮内, 皮内注射",
    "INTRATHECAL": "it, i.t., intrathecal, 鞘内, 鞘内注射",
    "INTRA-ARTERIAL": "ia, intra-arterial, intraarterial, 动脉, 动脉内注射",
    "INTRAPERITONEAL": "ip, i.p., intraperitoneal, 腹腔, 腹腔注射, 腹腔内",
    "INTRAOSSEOUS": "io, intraosseous, 骨髓腔内, 骨内",
    "INTRAVITREAL": "ivt, intravitreal, 玻璃体内, 玻璃体内注射",
    "INTRANASAL": "intranasal, 经鼻, 鼻腔",
    "RESPIRATORY (INHALATION)": "inhaled, inhalation, respiratory (inhalation), 吸入",
    "RECTAL": "pr, rectal, rectally, 直肠",
    "TOPICAL": "topical, 外用, 局部外用",
    "TRANSDERMAL": "td, transdermal, patch, 经皮, 透皮",
    "NASOGASTRIC": "ng, nasogastric, 鼻饲, 经鼻胃管",
}
_TERMS = {word.strip(): term for term, words in _WORDS.items() for word in f"{words}, {term.lower()}".split(",")}
_WITHIN = {"INTRAVENOUS BOLUS": "INTRAVENOUS", "INTRAVENOUS DRIP": "INTRAVENOUS"}
"""A term -> the wider one that it is a case of."""


def route_term(text: str) -> str | None:
    """The CDISC term that a word for a route means; None for a word that is not known."""
    return _TERMS.get(" ".join(text.lower().split()))


def same_route(recorded: str, wanted: str) -> bool | None:
    """Whether a recorded route is the protocol's; None where the words do not tell."""
    if " ".join(recorded.lower().split()) == " ".join(wanted.lower().split()):
        return True
    said, due = route_term(recorded), route_term(wanted)
    if said is None or due is None or _WITHIN.get(due) == said:
        return None
    return due in (said, _WITHIN.get(said))

"""The tables of a study folder as data: what may stand in them, in which form, and what it means.

`SCHEMAS` is read by the door (`rules.facts`), by `init_study` and by the documentation: the three cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

Kind = Literal[
    "text", "id", "enum", "date", "datetime",
    "number", "integer", "percent", "value", "weight", "amount", "concentration",
]  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column as a person fills it in; `words` maps each accepted word of an *enum* to the word it stands for."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    unit: str = ""
    words: tuple[tuple[str, str], ...] = ()

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words an *enum* column takes after reading, in the order to show them."""
        return tuple(dict.fromkeys(word for _, word in self.words))


@dataclass(frozen=True)
class Derived:
    """One column the door adds to the typed table: its dtype, unit and meaning."""

    name: str
    dtype: pl.DataType
    meaning: str
    unit: str = ""


@dataclass(frozen=True)
class Schema:
    """One table: its recorded columns and the columns derived from them at the door."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    derived: tuple[Derived, ...] = ()

    def __getitem__(self, name: str) -> Column:
        """The recorded column of that name; KeyError if the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"the table {self.name} has no column {name}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the recorded columns."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the columns that must be there."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def of_subjects(self) -> bool:
        """Whether each row belongs to a subject, so that the typed table has `s`."""
        return "subject" in self.names

    def typed(self) -> dict[str, pl.DataType]:
        """Name and dtype of every column of the typed table, in order."""
        result: dict[str, pl.DataType] = {"row": pl.Int32()}
        if self.of_subjects:
            result["s"] = pl.Int32()
        for column in self.columns:
            if column.name != "subject" or self.name == "subjects":
                result |= _dtypes(column)
        return result | {column.name: column.dtype for column in self.derived}


def _dtypes(column: Column) -> dict[str, pl.DataType]:
    match column.kind:
        case "date":
            return {column.name: pl.Date(), f"{column.name}_last": pl.Date()}
        case "datetime":
            return {column.name: pl.Date(), f"{column.name}_last": pl.Date(), f"{column.name}_minute": pl.Int32()}
        case "number" | "percent" | "value" | "concentration":
            return {column.name: pl.Float64()}
        case "weight" | "amount":
            return {column.name: pl.Int64()}
        case "integer":
            return {column.name: pl.Int32()}
        case _:
            return {column.name: pl.String()}


def _words(*groups: str) -> tuple[tuple[str, str], ...]:
    """Of each group, written `word = other = other`, every spelling with the first one."""
    split = [[word.strip() for word in group.split("=")] for group in groups]
    return tuple((word, words[0]) for words in split for word in words)


GIVEN = _words(
    "given = complete = completed = yes = 已给药 = 给药",
    "partly given = partial = partially given = 部分给药",
    "not given = not done = no = missed = omitted = 未给药",
    "unknown = 不详",
)
FIGURES = _words(
    "share = 比例",
    "survival = 生存率",
    "events = 事件数",
    "median = 中位数",
    "mean = 均值",
    "follow-up = 随访",
    "p = P",
)
DONE = _words(
    "done = yes = complete = completed = occurred = 完成",
    "partly done = partial = partially done = 部分完成",
    "not done = no = missed = did not occur = 未完成",
    "unknown = 不详",
)
COUNTED = _words("viable = 活细胞", "total = 总细胞")
COUNTED_AT = _words(
    "before freezing = before cryopreservation = 冻存前",
    "after thaw = after thawing = post thaw = 复苏后",
)
DECISIONS = _words(
    "waiver = 豁免",
    "immediate hazard = 紧急危险",
    "discretion = discretion the protocol allows = 方案允许的裁量",
    "approval to remain = 同意继续参加",
    "confirmed = 已确认",
    "not a deviation = 不是偏离",
    "duplicate = 重复",
    "data corrected = 数据已更正",
    "superseded = 已被取代",
    "closed = 已关闭",
    "serious breach = 严重违背",
    "not a serious breach = 非严重违背",
    "excluded = 排除出分析集",
)
YES_NO = _words("yes = true = 是", "no = false = 否")

_LOT_MEASURES = (
    "what: expires, made, released, thawed, dispensed (with the time in at), excursion, recall, or what a product of "
    "the protocol requires, such as sterility"
)
_SUBJECT = Column("subject", "id", "id of the participant in the trial", required=True)
_TRAIL = (
    Column("source", "text", "system or document the row comes from"),
    Column("entered", "datetime", "when the row was first entered"),
    Column("changed", "datetime", "when the row was last changed"),
)
_COMMON = (Column("record", "id", "id of the row in its source; never twice in a table"), *_TRAIL)


def _table(name: str, meaning: str, *columns: Column, derived: tuple[Derived, ...] = ()) -> Schema:
    return Schema(name, meaning, (*columns, *_COMMON), derived)


_ALL = (
    _table(
        "subjects",
        "Everyone screened, one row a participant.",
        _SUBJECT,
        Column("arm", "text", "planned arm; empty for a screen failure and while blinded"),
        Column("actual_arm", "text", "arm really followed, where it is known to differ"),
        Column("site", "text", "site at enrolment"),
        Column("sex", "text", "sex"),
        Column("birth_date", "date", "date of birth; 2019-06 or 2019 where no more may be kept"),
        Column("screening_outcome", "text", "enrolled, screen failure or why not"),
        Column("screened_as", "text", "id of the same person at an earlier screening, judged on its own"),
        Column("enrolled", "datetime", "when enrolled"),
        Column("day_zero", "datetime", "day zero as the site states it; a record of the anchor itself goes before it"),
    ),
    _table(
        "sites",
        "Where a participant belongs from which day on: transfers.",
        _SUBJECT,
        Column("site", "text", "site", required=True),
        Column("from", "date", "first day there", required=True),
        Column("time_zone", "text", "time zone of the site, such as Asia/Shanghai"),
        Column("version", "text", "protocol version followed there from that day"),
    ),
    _table(
        "consents",
        "Each consent form signed or withdrawn.",
        _SUBJECT,
        Column("version", "text", "version of the consent form", required=True),
        Column("signed", "datetime", "when signed", required=True),
        Column("document", "text", "which form: main study, samples, assent"),
        Column("by", "text", "who signed: participant, guardian"),
        Column("scope", "text", "what is consented to"),
        Column("withdrawn", "datetime", "when withdrawn"),
    ),
    _table(
        "milestones",
        "Dates that others count from, and ends: randomisation, cycle starts, discontinuation, last contact, death.",
        _SUBJECT,
        Column("milestone", "text", "which one", required=True),
        Column("date", "datetime", "when", required=True),
        Column("occurrence", "integer", "which one of several, such as the number of the cycle", unit="1, 2, ..."),
    ),
    _table(
        "observations",
        "What was measured: weight, height, laboratory values, grades, answers.",
        _SUBJECT,
        Column("measure", "text", "what: weight, height, anc, ...", required=True),
        Column(
            "value",
            "value",
            "a number, or a word such as positive; not done or not analysable where there is none",
            required=True,
        ),
        Column("unit", "text", "unit of value, low and high; needed for weight and height"),
        Column("low", "number", "lower reference limit", unit="as value"),
        Column("high", "number", "upper reference limit", unit="as value"),
        Column("at", "datetime", "when measured or sampled", required=True),
        Column("reported", "datetime", "when the result was known"),
        Column("method", "text", "how it was measured"),
        Column("since_dose", "number", "time from the dose before to a sample of its level", unit="h"),
        Column("visit", "text", "the visit it belongs to"),
        derived=(
            Derived("word", pl.String(), "the value where it is no number"),
            Derived("grams", pl.Int64(), "body weight, of rows with measure weight", "g"),
            Derived("mm", pl.Int64(), "body height, of rows with measure height", "mm"),
        ),
    ),
    _table(
        "administrations",
        "Each dose, bag or course given, partly given or recorded as not given.",
        _SUBJECT,
        Column("treatment", "text", "the treatment or its product", required=True),
        Column("start", "datetime", "when begun; may be empty where status is not given or unknown", required=True),
        Column("end", "datetime", "when ended"),
        Column("amount", "number", "amount given", unit="as unit"),
        Column("unit", "text", "unit of amount, ordered and prepared, such as mg, IU, cells or 10^6 cells"),
        Column("occurrence", "integer", "number of the planned dose it is, if recorded", unit="1, 2, ..."),
        Column("frequency", "text", "how often within start and end, such as twice a day"),
        Column("route", "text", "route"),
        Column("brand", "text", "brand"),
        Column("lot", "text", "lot"),
        Column("bag", "text", "bag or container"),
        Column("expires", "datetime", "expiry of the lot or bag, a day or a time of day; 2025-06 is the whole month"),
        Column("status", "enum", "given unless it says otherwise", words=GIVEN),
        Column("reason", "text", "why not, why partly, why late"),
        Column("weight_used", "weight", "body weight the dose was calculated with; grams after reading", unit="kg"),
        Column("ordered", "amount", "amount ordered; base units after reading", unit="as unit"),
        Column("prepared", "amount", "amount prepared; base units after reading", unit="as unit"),
        Column("volume", "number", "volume given", unit="mL"),
        Column("concentration", "concentration", "such as 8.1e5 cells/mL; base units per mL after reading"),
        Column("concentration_unit", "text", "unit of concentration, where that is a number alone"),
        Column("viability", "percent", "viable share of the cells", unit="percent"),
        Column("viable_or_total", "enum", "which cells amount counts", words=COUNTED),
        Column("counted", "enum", "when the cells of amount were counted", words=COUNTED_AT),
        Column("thawed", "datetime", "when thawed"),
        Column("released", "datetime", "when released for use"),
        Column("dispensed", "datetime", "when dispensed"),
        derived=(
            Derived("dimension", pl.String(), "dimension of unit: mass, cells, IU, ..."),
            Derived("base", pl.Int64(), "amount, exact", "base units of dimension"),
            Derived("decimals", pl.Int32(), "digits after the point of amount as recorded; 1.62e7 has -5", "digits"),
            Derived("step", pl.Int64(), "last recorded digit of amount is worth this", "base units of dimension"),
            Derived("concentration_dimension", pl.String(), "dimension of the amount in concentration"),
        ),
    ),
    _table(
        "lots",
        "What is known of lots and bags: when made, released or expired, test results, excursions, recalls, for whom.",
        Column("lot", "text", "lot; a fact without a bag holds for all bags of it"),
        Column("bag", "text", "bag or container, where the fact is one of it alone"),
        Column("measure", "text", _LOT_MEASURES, required=True),
        Column("value", "value", "the result: a number, or a word such as pass; of an excursion acceptable or not"),
        Column("unit", "text", "unit of value"),
        Column("at", "datetime", "when it happened, was sampled or begins to hold"),
        Column("known", "datetime", "when the result was known; without it, with what happened"),
        Column("for_subject", "text", "the participant for whom the lot or bag was made or released"),
        derived=(Derived("word", pl.String(), "the value where it is no number"),),
    ),
    _table(
        "visits",
        "Each visit that took place or is recorded as missed.",
        _SUBJECT,
        Column("visit", "text", "which visit", required=True),
        Column("date", "datetime", "when; of a visit not done the planned day", required=True),
        Column("status", "enum", "done unless it says otherwise", words=DONE),
    ),
    _table(
        "events",
        "What happened: holds and resumptions, adverse events, other drugs, transfusions.",
        _SUBJECT,
        Column("event", "text", "what: hold, resume, adverse event, concomitant medication, ...", required=True),
        Column("start", "datetime", "when begun", required=True),
        Column("end", "datetime", "when ended; empty while it goes on"),
        Column("grade", "integer", "grade of an adverse event", unit="1 to 5"),
        Column("detail", "text", "which drug, which reaction, outcome"),
        Column("indication", "text", "of another drug: what for"),
    ),
    _table(
        "deviation_log",
        "The deviations the site has logged itself; its words are never altered.",
        _SUBJECT,
        Column("term", "text", "the deviation in the site's words", required=True),
        Column("date", "date", "when it happened"),
        Column("category", "text", "category"),
        Column("activity", "text", "treatment, visit or assessment"),
        Column("occurrence", "integer", "which occurrence of the activity", unit="1, 2, ..."),
        Column("important", "text", "important or not, in the log's words"),
        Column("aware", "date", "when the site became aware of it"),
        Column("reported", "date", "when the sponsor became aware of it"),
    ),
    _table(
        "decisions",
        "What responsible people decided, in advance or on a finding.",
        _SUBJECT,
        Column("kind", "enum", "what was decided", required=True, words=DECISIONS),
        Column("finding", "text", "id, or event, of the deviation or query it is about"),
        Column("activity", "text", "treatment, visit or assessment"),
        Column("occurrence", "integer", "which occurrence of the activity", unit="1, 2, ..."),
        Column("decided", "datetime", "when"),
        Column("by", "text", "who"),
        Column("document", "text", "where it is filed"),
        Column("reason", "text", "why"),
        Column("analysis_set", "text", "of an exclusion: from which analysis set"),
    ),
    _table(
        "amendments",
        "From when which protocol version is in force at which site.",
        Column("site", "text", "site", required=True),
        Column("version", "text", "version of the protocol", required=True),
        Column("approved", "date", "day of the ethics committee's approval"),
        Column("active", "date", "day the version came into use there", required=True),
    ),
    _table(
        "published",
        "Figures of a publication, to stand beside those computed from this folder.",
        Column("endpoint", "text", "id of an endpoint of the protocol", required=True),
        Column("figure", "enum", "which figure", required=True, words=FIGURES),
        Column("arm", "text", "arm of the protocol; empty for all, and for a test between arms"),
        Column("answer", "text", "of a share: of which value, such as PR or yes"),
        Column("at", "text", "of a survival: at which time, such as 4 y"),
        Column("number", "integer", "how many participants"),
        Column("of", "integer", "of how many"),
        Column("value", "number", "the figure itself; compared at the precision in which it is written"),
        Column("error", "number", "its standard error"),
        Column("unit", "text", "%, mo, d, y"),
    ),
    Schema(
        "corrections",
        "The audit trail of the source: what a cell said before.",
        (
            Column("table", "text", "table of the corrected row", required=True),
            Column("record", "id", "record of the corrected row", required=True),
            Column("column", "text", "column that was corrected"),
            Column("old", "text", "value before"),
            Column("new", "text", "value after"),
            Column("by", "text", "who"),
            Column("at", "datetime", "when"),
            Column("reason", "text", "why"),
            Column("source_seen", "enum", "whether the source was seen", words=YES_NO),
            Column("finding", "text", "id of the deviation that it answers; empty where the site corrected unasked"),
            *_TRAIL,
        ),
    ),
)

SCHEMAS: Mapping[str, Schema] = {schema.name: schema for schema in _ALL}
"""The tables of a study folder by name, in the order people meet them."""

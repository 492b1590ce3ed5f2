"""What the report of an import says, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "rows": "rows of the study folder",
        "kind": "not read here",
        "entered in error": "left out: entered in error",
        "no result yet": "left out: no result yet, or cancelled",
        "no date": "left out: nobody says when",
        "no value": "left out: no value that a table can hold",
        "period": "left out: measured over more than a day",
        "nobody": "left out: about a group or a thing, not a person",
        "retired": "left out: a retired record",
        "replaced": "left out: another Patient has taken its place",
        "no participant": "left out: about somebody who takes no part in the study",
        "death without a day": "dead, on a day that is not known: no milestone",
        "planned": "the dose of what was not done is no amount given: left out",
        "next page": "has a next page: make sure that every page is here",
        "mapping": "left out, as the mapping file says: {}",
        "renamed": "{}",
        "own word": "kept by its own word, which nothing here explains: {}",
        "other": "other medication, {}: left out",
        "fault": "faults: those resources are left out, see left-out.csv",
        "amount in words": "says its dose in words or as a rate only: no amount is taken",
        "concomitant": "no treatment of the protocol, taken for concomitant medication: {}",
    },
    "zh": {
        "rows": "写入研究数据的行",
        "kind": "此处不读取",
        "entered in error": "未采用：误录",
        "no result yet": "未采用：尚无结果或已取消",
        "no date": "未采用：没有日期",
        "no value": "未采用：没有可写入表格的值",
        "period": "未采用：测量跨越一天以上",
        "nobody": "未采用：对象是群体或物品，不是个人",
        "retired": "未采用：记录已停用",
        "replaced": "未采用：已被另一 Patient 取代",
        "no participant": "未采用：并非本研究受试者",
        "death without a day": "已死亡但日期不详：未记为里程碑",
        "planned": "未给药记录中的剂量不是给药量：未采用",
        "next page": "还有下一页：请确认各页均已提供",
        "mapping": "按对照文件未采用：{}",
        "renamed": "{}",
        "own word": "保留原词，此处没有解释：{}",
        "other": "其他用药，{}：未采用",
        "fault": "处错误：相应资源未采用，见 left-out.csv",
        "amount in words": "剂量仅以文字或速率给出：未取给药量",
        "concomitant": "非方案治疗，作为合并用药：{}",
    },
}


def told(report: pl.DataFrame, lang: str) -> pl.DataFrame:
    """The report in sentences of a language."""
    words = WORDS[lang]
    message = [
        words[why].format(value) if value is not None else words[why]
        for why, value in report.select("why", "value").rows()
    ]
    return report.select("kind", "table", "number", pl.Series("message", message, pl.String()), "record")

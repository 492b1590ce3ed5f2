"""The dose sheet: one bilingual page an infusion, every sign on paper, and never more said than is known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pypdf
import pytest
from fontTools.ttLib import TTFont

import protocol
from perprotocol.formats.dose_sheet.drawing import signs_of
from perprotocol.formats.dose_sheet.fonts.subset import gb2312
from perprotocol.formats.dose_sheet.said import condition, route, when, words
from protocol.quantity import Quantity
from tests.command import run

ROOT = Path(__file__).resolve().parents[2]
SAA = f"uc-msc-saa {ROOT}/examples/uc-msc-saa"
FIRST = f"{SAA} --subject 109 --activity uc-msc --occurrence 1 --as-of 2015-10-26"
FONTS = ROOT / "perprotocol/formats/dose_sheet/fonts"

TRIAL = """
protocol: small
version: 1
first_day: 0
sources: {doc: protocol of this test}
source: doc
basis: stated
BLIND
arms: {a: one arm, b: other arm}
weight: {use: latest, within: 7 d}
products: {active: active, sham: sham}
events: {rash: {title: {en: rash, zh: 皮疹}}}
treatments:
  premed: {title: {en: premedication, zh: 预处理用药}, due: within 2 h before each drug}
  drug:
    title: {en: study drug, zh: TITLE}
    product: PRODUCT
    route: intravenous
    due: day 7
    every: 7 d
    times: 2
    window: ±1 d
    over: 30 min to 60 min
    dose: {amount: 2 mg/kg, tolerance: ±10 %, round: 5 mg, max: 100 mg}
  daily: {frequency: once daily, from: day 0, for: 5 d, dose: 1 mg}
modifications:
  rash: {if: event rash grade >= 3, then: stop drug}
"""


def sheet(tmp_path: Path, line: str, status: int = 0) -> str:
    """Return the text of the sheets, each page's lines joined, as a library that is not ours reads them."""
    found, _, said = run(f"export dose-sheet {line} -o {tmp_path}/sheet.pdf")
    assert found == status, said
    pages = pypdf.PdfReader(tmp_path / "sheet.pdf").pages
    return "\f".join(" ".join(page.extract_text().split()) for page in pages)


def small(
    tmp_path: Path,
    *,
    arm: str = "a",
    weight: str = "16.2",
    blind: bool = False,
    title: str = "研究药物",
    more: str = "",
) -> str:
    """Write a small trial with one participant of 16.2 kg, and return PROTOCOL STUDY."""
    product = "{a: active, b: sham}" if blind else "active"
    text = (
        TRIAL.replace("PRODUCT", product).replace("TITLE", title).replace("BLIND", "blinding: blinded" if blind else "")
    )
    (tmp_path / "small.yaml").write_text(text, "utf-8")
    (tmp_path / "study").mkdir(exist_ok=True)
    (tmp_path / "study/subjects.csv").write_text(
        f"subject,arm,birth_date,day_zero\n007,{arm},2019-06,2024-03-01\n", "utf-8"
    )
    rows = f"007,weight,{weight},kg,2024-03-07\n" if weight else ""
    (tmp_path / "study/observations.csv").write_text("subject,measure,value,unit,at\n" + rows, "utf-8")
    (tmp_path / "study/events.csv").write_text("subject,event,start,grade\n" + more, "utf-8")
    return f"{tmp_path}/small.yaml {tmp_path}/study --as-of 2024-03-08"


ONE = "--subject 007 --activity drug --occurrence 1"


# --- what stands on it ------------------------------------------------------------------------------------------------


def test_a_sheet_has_all_that_is_needed_in_both_languages(tmp_path: Path) -> None:
    """Two identifiers, the weight and its day, the arithmetic, amount, volume, rate, window, checks, places to sign."""
    text = sheet(tmp_path, f'{small(tmp_path)} {ONE} --concentration "2 mg/mL"')
    for said in (
        "Dose sheet 给药核对单", "Participant 受试者 007", "Date of birth 出生日期 2019-06", "study drug 研究药物",
        "Second identifier, from the wristband", "1 / 2", "Planned day 计划日 2024-03-08", "study day 7 研究第 7 天",
        "Window 给药窗 2024-03-07 – 2024-03-09", "16.2 kg", "2024-03-07 1 d before 给药前 1 天",
        "2 mg/kg × 16.2 kg (of 2024-03-07, 1 d old), at most 100 mg, rounded to 5 mg = 30 mg",
        "（2024-03-07 测，距给药 1 天）",
        "Amount to give 应给剂量 30 mg", "27 mg – 33 mg (±10 %)", "Volume 体积 15 mL", "30 min to 60 min",
        "15 mL/h – 30 mL/h",
        "Lot 批号", "Expires 失效时间", "premedication is given: within 2 h before it", "已给 预处理用药",
        "Not if rash grade >= 3: stop", "如有 皮疹 grade >= 3 则不给", "Double check by 复核人", "Signature 签名",
        "not an electronic signature", "非电子签名", "never the sole basis of a dose", "不得作为给药的唯一依据",
        "CHECKED: as the protocol says, if given on 2024-03-08", "DRAFT",
    ):  # fmt: skip
        assert "".join(said.split()) in "".join(text.split()), said


def test_the_volume_is_what_the_amount_and_the_concentration_say(tmp_path: Path) -> None:
    """1.62e7 cells at 8e5 cells/mL are 20.25 mL: worked out anew from the numbers alone."""
    text = sheet(tmp_path, f'{FIRST} --concentration "8e5 cells/mL"')
    assert Fraction(Quantity.parse("1.62×10⁷ cells").base, 800_000) == Fraction("20.25")
    assert "Volume 体积 20.25 mL" in text
    assert "Amount to give 应给剂量 1.62×10⁷ cells viable cells 活细胞" in text


def test_every_infusion_due_has_its_page(tmp_path: Path) -> None:
    """`--from --to` gives a page for each, and no course taken by days has one."""
    line = f"{SAA} --from 2015-03-17 --to 2015-03-23"
    status, _, said = run(f"export dose-sheet {line} -o {tmp_path}/week.pdf")
    pages = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "week.pdf").pages]
    assert status in (0, 1, 3)
    assert len(pages) >= 5
    assert f"with {len(pages)} sheets" in said
    assert all("Dose sheet" in page and "disclaimer" not in page for page in pages)
    assert not any("ciclosporin" in page.split("Window")[0] for page in pages)


def test_a_choice_is_left_to_the_physician(tmp_path: Path) -> None:
    """Of a range no amount is chosen; one that is ordered is checked, and one outside is not to be given."""
    line = f"{SAA} --subject 109 --activity atg --occurrence 3 --as-of 2015-10-14"
    assert "40.5 mg to 56.7 mg Ordered, inside the range" in sheet(tmp_path, line)
    assert "Amount to give 应给剂量 50 mg" in sheet(tmp_path, f'{line} --amount "50 mg"')
    text = sheet(tmp_path, f'{line} --amount "500 mg"', status=1)
    assert "DO NOT GIVE AS PLANNED: would deviate 勿按此给药" in text
    assert "CHECKED" not in text


def test_a_weight_just_measured_may_be_typed_in(tmp_path: Path) -> None:
    """The dose follows it, and nothing is stored."""
    text = sheet(tmp_path, f'{small(tmp_path)} {ONE} --weight "21.4 kg" --weighed-on 2024-03-08')
    assert "Amount to give 应给剂量 45 mg" in text
    assert (tmp_path / "study/observations.csv").read_text("utf-8").count("\n") == 2


# --- what it must not say ---------------------------------------------------------------------------------------------


def test_what_cannot_be_told_is_never_read_as_complies(tmp_path: Path) -> None:
    """Without a weight there is no amount, another word, another status, and the question in both languages."""
    text = sheet(tmp_path, f"{small(tmp_path, weight='')} {ONE}", status=3)
    assert "CANNOT TELL whether it complies 无法判断是否符合方案" in text
    assert "No amount can be told" in text
    assert "Weight missing 缺少体重" in text
    assert "implies" not in text
    assert "CHECKED" not in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("--on 2024-03-15", "days after its window closed on 2024-03-09"),
        ("--on 2024-03-20", "rests on a weight of 2024-03-07, 13 days old"),
        ("--on 2024-03-20", "Weight not older than 7 d 体重测量不早于给药前 7 d NOT SO ON RECORD"),
    ],
)
def test_a_dose_that_would_deviate_says_so_and_why(tmp_path: Path, change: str, said: str) -> None:
    """Late, or by an old weight: the banner, the sentence, the box that is not to be ticked, and status 1."""
    text = sheet(tmp_path, f"{small(tmp_path)} {ONE} {change}", status=1)
    assert "DO NOT GIVE AS PLANNED" in text
    assert said in text


def test_a_later_dose_of_a_course_is_judged_by_its_own_day(tmp_path: Path) -> None:
    """Before the course has begun: the third ATG would not become the first, and day zero stays where it is."""
    line = f"{SAA} --subject 105 --activity atg --occurrence 3 --as-of 2015-03-16"
    _, _, said = run(f"export dose-sheet {line} -o {tmp_path}/sheet.pdf")
    assert "before its window" not in said
    assert "rests on a weight of 2015-03-11, 8 days old" in said


def test_after_a_stop_there_is_no_sheet(tmp_path: Path) -> None:
    """After the event that stops the drug nothing is to be given, and no sheet says how much."""
    line = small(tmp_path, more="007,rash,2024-03-05,3")
    status, _, said = run(f"export dose-sheet {line} {ONE} -o {tmp_path}/sheet.pdf")
    assert (status, "'drug 1' is not expected as of 2024-03-08" in said) == (2, True)
    assert not (tmp_path / "sheet.pdf").exists()


def test_what_nobody_knew_yet_is_not_used(tmp_path: Path) -> None:
    """A weight recorded after the as-of day is no weight of a sheet made on that day."""
    text = sheet(tmp_path, FIRST)
    assert "16.2 kg" in text
    assert "16.3 kg" not in text


def test_a_blinded_sheet_tells_no_arm(tmp_path: Path) -> None:
    """The sheets of two children who differ in nothing but their arm are the same bytes, with no amount on them."""
    made = []
    for arm in ("a", "b"):
        text = sheet(tmp_path, f"{small(tmp_path, arm=arm, blind=True)} {ONE}", status=3)
        made.append((tmp_path / "sheet.pdf").read_bytes())
        assert "Blinded: the amount is the pharmacy's order 盲态：剂量以药房医嘱为准" in text
        assert not any(word in text for word in ("30 mg", "2 mg/kg", "sham", "one arm", "CHECKED"))
    assert made[0] == made[1]
    late = sheet(tmp_path, f"{small(tmp_path, blind=True)} {ONE} --on 2024-03-20", status=1)
    assert "Dose after its window" in late
    open_ = sheet(tmp_path, f"{small(tmp_path, blind=True)} {ONE} --unblinded")
    assert "UNBLINDED: keep from those who must not know 揭盲" in open_
    assert "Amount to give 应给剂量 30 mg" in open_


def test_the_same_sheet_is_the_same_bytes(tmp_path: Path) -> None:
    """A sheet does not depend on the clock, and a changed weight changes its number at the foot."""
    line = small(tmp_path)
    one, two = (sheet(tmp_path, f"{line} {ONE}") and (tmp_path / "sheet.pdf").read_bytes() for _ in range(2))
    assert one == two
    feet = {sheet(tmp_path, f"{small(tmp_path, weight=kg)} {ONE}").rpartition("·")[2] for kg in ("16.2", "16.3")}
    assert len(feet) == 2


# --- every sign is on paper -------------------------------------------------------------------------------------------


def test_the_fonts_hold_every_sign_that_a_sheet_may_use() -> None:
    """GB 2312, raised digits, European names, the words of the sheet and every text of the library."""
    known = set().union(*(signs_of(path) for path in FONTS.glob("*.[ot]tf")))
    texts = [text for both in words().values() for text in both.values()]
    texts += [protocol.write(protocol.read(name)) for name in protocol.library()]
    wanted = {ord(sign) for text in texts for sign in text if sign.isprintable()} | set(gb2312())
    wanted |= {ord(sign) for sign in "×10⁰¹²³⁴⁵⁶⁷⁸⁹⁻ ±≤≥µ° ÅÖéñçřőŁ"}
    assert wanted - known == set()


def test_only_the_fonts_of_the_package_are_used(tmp_path: Path) -> None:
    """The sheet is the same on a machine without any font; all are embedded, with their licences beside them."""
    sheet(tmp_path, FIRST)
    page = pypdf.PdfReader(tmp_path / "sheet.pdf").pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]  # type: ignore[union-attr, index]
    assert {font["/BaseFont"].partition("+")[2][:9] for font in fonts} == {"DoseSheet"}
    licences = (FONTS / "LICENSES.txt").read_text("utf-8")
    for path in FONTS.glob("*.[ot]tf"):
        assert path.name in licences
        assert not {"Noto", "DejaVu", "Vera"} & set(str(TTFont(path)["name"].getDebugName(4)).split())
    assert sum(path.stat().st_size for path in FONTS.iterdir() if path.is_file()) < 1_800_000


def test_a_sign_that_no_font_has_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    """A rare hanzi is named with its number; nothing is written, and what was there stays."""
    (tmp_path / "sheet.pdf").write_text("before", "utf-8")
    status, _, said = run(f"export dose-sheet {small(tmp_path, title='𰻝药')} {ONE} -o {tmp_path}/sheet.pdf")
    assert status == 2
    assert "no font has '𰻝' (U+30EDD): they would be missing on paper; name a folder with a font" in said
    assert (tmp_path / "sheet.pdf").read_text("utf-8") == "before"


def test_a_folder_of_fonts_adds_signs(tmp_path: Path) -> None:
    """A font from outside is looked into as well; a file that is no font is named."""
    (tmp_path / "fonts").mkdir()
    font = TTFont(FONTS / "DoseSheetSignsRegular.ttf")
    font["name"].setName("Other Signs", 1, 3, 1, 0x409)
    for table in font["cmap"].tables:
        table.cmap[0x2620] = table.cmap[ord("A")]
    font.save(tmp_path / "fonts/other.ttf")
    line = f"{small(tmp_path, title='☠药')} {ONE}"
    assert run(f"export dose-sheet {line} -o {tmp_path}/sheet.pdf")[0] == 2
    assert "☠" in sheet(tmp_path, f"{line} --fonts {tmp_path}/fonts")
    (tmp_path / "fonts/none.ttf").write_text("no font", "utf-8")
    status, _, said = run(f"export dose-sheet {line} --fonts {tmp_path}/fonts -o {tmp_path}/sheet.pdf")
    assert (status, "none.ttf: is no font" in said) == (2, True)


def test_a_sheet_that_does_not_fit_its_page_is_an_error(tmp_path: Path) -> None:
    """Much is set smaller; too much is said, never cut off."""
    many = small(tmp_path, title="很长的名称" * 12)
    assert sheet(tmp_path, f"{many} {ONE} --bags 8").count("\f") == 0
    status, _, said = run(f"export dose-sheet {small(tmp_path, title='长' * 4000)} {ONE} -o {tmp_path}/long.pdf")
    assert status == 2
    assert "the sheet of 007, drug 1, does not fit one page" in said
    assert not (tmp_path / "long.pdf").exists()


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--subject 007 --activity drug", "does not say which dose is meant"),
        ("--subject 008 --activity drug --occurrence 1", "'008' is no subject of study"),
        (
            "--subject 007 --activity drugs --occurrence 1",
            "'drugs' is no treatment of small; write one of premed, drug",
        ),
        ("--subject 007 --activity daily --occurrence 1", "is taken by days, and a sheet is for one infusion"),
        ("--subject 007 --activity drug --occurrence 9", "there is no such infusion in the calendar"),
        (f'{ONE} --concentration "8e5 cells/mL"', "does not go with 30 mg"),
        (f'{ONE} --concentration "20 mg"', "is no amount in a volume"),
        (f'{ONE} --concentration "0 mg/mL"', "is no amount in a volume"),
        (f'{ONE} --amount "much"', "--amount: 'much'"),
        (f'{ONE} --weight "heavy"', "--weight"),
        (f"{ONE} --on 2024-02-30", "'2024-02-30' is not a day"),
        ("--from 2024-03-01 --weight 16", "is of one dose, and several are asked for"),
        ("--from 2030-01-01", "there is no such infusion in the calendar"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, options: str, said: str) -> None:
    """Status 2, what is wrong and what to write, and no file."""
    status, _, told = run(f"export dose-sheet {small(tmp_path)} {options} -o {tmp_path}/sheet.pdf")
    assert (status, said in told) == (2, True), told
    assert not (tmp_path / "sheet.pdf").exists()


def test_a_dose_on_record_needs_no_sheet(tmp_path: Path) -> None:
    """What was given already is no dose to come."""
    line = small(tmp_path)
    (tmp_path / "study/administrations.csv").write_text(
        "subject,treatment,start,amount,unit\n007,drug,2024-03-08,30,mg\n", "utf-8"
    )
    status, _, said = run(f"export dose-sheet {line} {ONE} -o {tmp_path}/sheet.pdf")
    assert (status, "'drug 1' is done already, as of 2024-03-08" in said) == (2, True)


# --- words ------------------------------------------------------------------------------------------------------------


def test_every_phrase_is_there_in_both_languages() -> None:
    """None is missing, and both have the same words to fill in."""
    for key, both in words().items():
        assert set(both) == {"en", "zh"}, key
        assert all(both.values()), key
        assert both["en"].count("{") == both["zh"].count("{"), key


def test_a_condition_is_read_with_the_titles_of_what_it_names() -> None:
    """`atg-test-dose = no reaction within 7 d` has the measure's title in each language."""
    saa = protocol.read("uc-msc-saa")
    said = condition(saa, saa.treatments["atg"].requires[0])
    assert said == {"en": "ATG test dose = no reaction within 7 d", "zh": "ATG试验剂量 = no reaction（7 天内）"}
    assert when("within 2 h before each atg") == {"en": "within 2 h before it", "zh": "在其前 2 小时内"}
    assert (route("oral")["zh"], route("buccal")) == ("口服", {"en": "buccal", "zh": "buccal"})

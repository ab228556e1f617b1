"""The words of the report, in English and Korean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from axejournal.cli.output import duration
from axejournal.domain.report import Gap

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Restore drill report", "복원 훈련 보고서"),
    "quarter": ("Quarter", "분기"),
    "customer": ("Customer", "고객사"),
    "host": ("Machine", "머신"),
    "made": ("Made", "작성"),
    "period": ("Period", "기간"),
    "all_good": ("Every source was restored and compared. No gap.", "모든 소스을 복원해서 비교했습니다. 빈틈이 없습니다."),
    "with_gaps": ("{count} gaps: see below.", "빈틈 {count}건: 아래를 보세요."),
    "one_gap": ("1 gap: see below.", "빈틈 1건: 아래를 보세요."),
    "gaps": ("Gaps", "빈틈"),
    "drills": ("Drills", "복원 훈련"),
    "no_drills": ("No drill in this quarter.", "이 분기에 복원 훈련이 없었습니다."),
    "drills_passed": ("drills passed", "훈련 통과"),
    "measured_rto": ("measured RTO", "실측 RTO"),
    "measured_rpo": ("measured RPO", "실측 RPO"),
    "data_read": ("data read", "읽은 데이터"),
    "journal": ("Journal", "저널"),
    "sound": ("sound", "온전함"),
    "damaged": ("DAMAGED", "손상됨"),
    "allowed": ("allowed", "허용"),
    "no_limit": ("no limit set", "한도 없음"),
    "matrix": ("What is proven", "증명된 것"),
    "source": ("source", "소스"),
    "tier": ("tier", "티어"),
    "passed": ("passed", "통과"),
    "failed": ("FAILED", "실패"),
    "never": ("not drilled", "훈련 없음"),
    "succeeded": ("passed", "통과"),
    "degraded": ("passed with findings", "지적 사항 있음"),
    "cancelled": ("cancelled", "취소됨"),
    "abandoned": ("abandoned", "중단됨"),
    "open": ("at work", "진행 중"),
    "run": ("run", "실행"),
    "verdict": ("verdict", "판정"),
    "point": ("restore point", "복원 지점"),
    "snapshot": ("snapshot", "스냅샷"),
    "repository": ("repository", "저장소"),
    "age": ("age (allowed)", "나이 (허용)"),
    "size": ("size", "크기"),
    "restored_in": ("restored in", "복원 시간"),
    "proof": ("proof", "증명 단계"),
    "check": ("check", "검사"),
    "numbers": ("numbers", "수치"),
    "seconds": ("took", "걸린 시간"),
    "not_usable": ("could not be used", "쓸 수 없었음"),
    "findings": ("Findings", "지적 사항"),
    "trends": ("Trends", "추세"),
    "sizes": ("Size of each backup", "백업마다의 크기"),
    "durations": ("Duration of each run", "실행마다 걸린 시간"),
    "restores": ("Time to restore, all drills so far", "지금까지의 훈련별 복원 시간"),
    "nothing_to_plot": ("Not enough runs for a curve yet.", "곡선을 그리기에는 실행이 아직 적습니다."),
    "rpo_table": ("Age that the newest restore point ever reached", "가장 새로운 복원 지점이 가장 오래되었을 때"),
    "worst": ("worst", "최악"),
    "points": ("restore points", "복원 지점 수"),
    "reading": ("Repositories' data read so far", "지금까지 읽은 저장소 데이터"),
    "parts": ("parts read without a fault", "결함 없이 읽은 부분"),
    "last_read": ("last read", "마지막 읽기"),
    "all_since": ("all read since", "전부 읽은 시점"),
    "events": ("events", "이벤트"),
    "head": ("head hash", "머리 해시"),
    "verified": ("Verified", "검증"),
    "verify_hint": (
        "Keep this hash elsewhere: axej journal verify tells whether the history was changed since.",
        "이 해시를 다른 곳에 보관하세요. axej journal verify가 그 뒤로 이력이 바뀌었는지 알려 줍니다.",
    ),
    "of_sources": ("of sources", "소스 중"),
}
GAPS: Mapping[str, tuple[str, str]] = {
    "journal": ("the journal is damaged: {fault}", "저널이 손상되었습니다: {fault}"),
    "no_drill": (
        "no drill ran in {quarter}: nothing was shown to be restorable",
        "{quarter}에 복원 훈련이 없었습니다. 복원된다는 증거가 없습니다",
    ),
    "tier_not_drilled": ("tier {tier} was not drilled", "{tier} 티어를 훈련하지 않았습니다"),
    "source_not_drilled": ("{source} was not drilled in any tier", "{source}을(를) 어느 티어에서도 훈련하지 않았습니다"),
    "source_failed": (
        "{source} did not come back from {tier}: {reason}",
        "{source}이(가) {tier}에서 돌아오지 않았습니다: {reason}",
    ),
    "slow": (
        "restoring from {tier} took longer than allowed (run {run})",
        "{tier}에서 복원하는 데 허용보다 오래 걸렸습니다 (실행 {run})",
    ),
    "too_old": ("{source} in {tier} was older than allowed at times", "{tier}의 {source}이(가) 허용보다 오래된 때가 있었습니다"),
    "no_points": ("tier {tier} got no restore point in this quarter", "{tier} 티어에 이 분기의 복원 지점이 없습니다"),
    "damaged": (
        "{parts} parts of the repository of {tier} were read with faults",
        "{tier} 저장소의 {parts}개 부분을 읽다가 결함이 나왔습니다",
    ),
    "not_read": (
        "only {good} of {of} parts of the repository of {tier} were read",
        "{tier} 저장소의 {of}개 부분 중 {good}개만 읽었습니다",
    ),
    "overdue": ("overdue: {what}", "기한 지남: {what}"),
}

RECORDED = ("reason", "what", "fault")
"""Values of a gap that are sentences themselves."""
UNITS = {"s": "초", "min": "분", "h": "시간", "d": "일"}
UNIT = re.compile(rf" ({'|'.join(UNITS)})\b")


class Words:
    """The words of one language: `en` or `ko`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._place = 1 if language == "ko" else 0

    def __call__(self, name: str, **values: object) -> str:
        return WORDS[name][self._place].format(**values)

    def gap(self, gap: Gap) -> str:
        """The sentence of a gap."""
        values = {name: self.said(value) if name in RECORDED else value for name, value in gap.values.items()}
        return GAPS[gap.kind][self._place].format(**values)

    def said(self, text: str) -> str:
        """What was recorded in English, in this language."""
        if self.language != "ko":
            return text
        from axejournal.cli.report_reasons import korean

        return korean(text)

    def axis(self, seconds: float) -> str:
        """The same, at a curve."""
        return self.time(seconds) if seconds else "0"

    def time(self, seconds: float | None) -> str:
        """Seconds as a person reads them; empty for unknown."""
        text = duration(seconds)
        return UNIT.sub(lambda found: UNITS[found[1]], text) if self.language == "ko" else text

"""What was recorded in English, in Korean: axej's own sentences, known by their pattern.

Records stay as they were written; they are turned when they are shown. Names, numbers and what outside programs said stay as
they are. A sentence that no pattern knows is shown as it was recorded.
"""

from __future__ import annotations

import re

WORDS = {
    "contents": "내용",
    "roles": "역할",
    "extensions": "확장",
    "constraints": "제약 조건",
    "indexes": "인덱스",
    "export": "내보내기",
    "scratch": "임시 서버",
    "fetch": "가져오기",
    "load": "적재",
    "compare": "비교",
    "stored": "저장됨",
    "checked": "검사됨",
    "restored": "복원됨",
    "verified": "검증됨",
    "suspect": "의심됨",
    "all valid": "모두 유효",
    "there is nothing to export": "내보낼 것이 없습니다",
    "its table of contents, or a large object": "목차 또는 대형 객체",
    "it was given up": "포기했습니다",
}
NESTED = frozenset(("why", "more", "name"))
"""Groups whose text is such a sentence again; in `parts` and `sources` there is a list of them."""
SENTENCES = (
    # verdicts of a drill
    (r"(?P<n>\d+) of (?P<of>\d+) sources failed: (?P<sources>.+)", "소스 {of}개 중 {n}개가 실패했습니다: {sources}"),
    (r"(?P<source>[^:;]+) from (?P<tier>[^:;]+): (?P<why>.+)", "{source} ({tier} 티어): {why}"),
    (r"damaged: (?P<parts>[^:;]+): (?P<why>.+)", "손상됨: {parts}: {why}"),
    (r"damaged in tier (?P<tier>[^:]+): (?P<why>.+)", "{tier} 티어에서 손상됨: {why}"),
    (r"the dump of (?P<source>.+) is not as it was dumped", "{source} 덤프가 만들 때와 다릅니다"),
    (r"(?P<name>contents|roles|extensions|constraints|indexes|export|scratch|fetch|load|compare): (?P<why>.+)", "{name}: {why}"),
    (r"check (?P<n>\d+)", "검사 {n}"),
    (r"check (?P<n>\d+): (?P<why>.+)", "검사 {n}: {why}"),
    (r"require (?P<pattern>.+?): (?P<why>\d+ files match .+)", "필수 {pattern}: {why}"),
    (r"require (?P<pattern>\S+)", "필수 {pattern}"),
    (r"(?:(?P<command>.+): )?exit (?P<code>\d+): (?P<said>.*)", "{command: }종료 코드 {code}: {said}"),
    (
        r"(?:(?P<command>.+): )?it did not say (?P<wanted>'.*') but: (?P<said>.*)",
        "{command: }{wanted} 대신 다음을 출력했습니다: {said}",
    ),
    # contents
    (
        r"(?P<t>[\d,]+) tables?, (?P<r>[\d,]+) rows? and (?P<s>[\d,]+) sequences? as they were dumped",
        "테이블 {t}개, 행 {r}개, 시퀀스 {s}개가 덤프할 때와 같습니다",
    ),
    (r"(?P<n>\d+) files, (?P<b>[\d,]+) bytes as the snapshot lists them", "파일 {n}개, {b}바이트가 스냅샷 목록과 같습니다"),
    (r"(?P<n>\d+) files are missing: (?P<names>.+?)(?:; (?P<more>\d+ files have .+))?", "파일 {n}개가 없습니다: {names}{; more}"),
    (r"(?P<n>\d+) files have another size: (?P<names>[^;]+)", "파일 {n}개의 크기가 다릅니다: {names}"),
    (
        r"(?P<n>\d+) files match (?P<p>.+), (?P<m>\d+) are required",
        "{p} 패턴에 맞는 파일이 {n}개이고 {m}개가 필요합니다",
    ),
    (r"table (?P<t>[^;]+) has (?P<n>[\d,]+) rows, not (?P<m>[\d,]+)", "테이블 {t}의 행이 {m}개가 아니라 {n}개입니다"),
    (r"table (?P<t>[^;]+) has other contents", "테이블 {t}의 내용이 다릅니다"),
    (r"table (?P<t>[^;]+) is missing", "테이블 {t}이(가) 없습니다"),
    (r"table (?P<t>[^;]+) was not in the dump", "테이블 {t}은(는) 덤프에 없던 것입니다"),
    (r"table (?P<t>\S+)", "테이블 {t}"),
    (r"sequence (?P<s>[^;]+) is missing", "시퀀스 {s}이(가) 없습니다"),
    (r"sequence (?P<s>[^;]+) is at (?P<n>\S+), not (?P<m>\S+)", "시퀀스 {s}의 값이 {m}이(가) 아니라 {n}입니다"),
    (r"(?P<n>[\d,]+) large objects, not (?P<m>[\d,]+)", "대형 객체가 {m}개가 아니라 {n}개입니다"),
    (r"(?P<n>\d+) (?P<m>tables|rows|roles|extensions)", "{n}개"),
    (r"(?P<n>\d+) extensions; (?P<why>.+)", "{n}개; {why}"),
    (r"(?P<name>\S+ \S+) is (?P<v>\S+) here", "{name}은(는) 여기서 {v}"),
    (r"missing: (?P<names>[^;]+)", "없음: {names}"),
    (r"not validated: (?P<names>[^;]+)", "유효성이 확인되지 않음: {names}"),
    (r"not valid: (?P<names>[^;]+)", "유효하지 않음: {names}"),
    (r"(?P<n>\d+) constraints, all validated", "{n}개, 모두 확인됨"),
    (
        r"(?P<n>\d+) constraints; not validated, as in the source: (?P<names>[^;]+)",
        "{n}개; 소스에서처럼 유효성이 확인되지 않음: {names}",
    ),
    (r"(?P<n>\d+) exported, each with its hash", "{n}개를 내보냈고 해시가 모두 같습니다"),
    (
        r"(?P<n>\d+) exported, each with its hash, (?P<m>\d+) files besides",
        "{n}개를 내보냈고 해시가 모두 같습니다. 그 밖의 파일 {m}개",
    ),
    (
        r"(?P<n>\d+) of (?P<m>\d+) were not exported as they are: (?P<names>[^;]+)",
        "{m}개 중 {n}개가 데이터베이스에 있는 대로 내보내지지 않았습니다: {names}",
    ),
    # findings
    (
        r"its newest restore point is (?P<n>\d+) h old, (?P<m>\d+) h are allowed",
        "가장 새로운 복원 지점이 {n}시간 전의 것이고 {m}시간까지 허용됩니다",
    ),
    (r"its own image was not to be had: (?P<why>.+)", "자기 이미지를 쓸 수 없었습니다: {why}"),
    (r"of (?P<n>\d+) tables only the rows could be counted", "테이블 {n}개는 행의 수만 셀 수 있었습니다"),
    (
        r"tier (?P<t>\S+): restoring took (?P<n>\d+) s, (?P<m>\d+) s are allowed",
        "{t} 티어: 복원에 {n}초 걸렸고 {m}초까지 허용됩니다",
    ),
    (r"(?P<step>clear:\S+) failed: (?P<why>.*)", "임시로 만든 것을 치우지 못했습니다 ({step}): {why}"),
    (r"(?P<source>[^:;]+), tier (?P<tier>[^:;]+): (?P<why>.+)", "{source}, {tier} 티어: {why}"),
    # why a step could not be done
    (r"tier (?P<t>\S+) has no restore point of it", "{t} 티어에 이 소스의 복원 지점이 없습니다"),
    (
        r"the restore point (?P<t>\S+) holds its stopped server's volume, no dump",
        "복원 지점 {t}에는 덤프가 아니라 멈춘 서버의 볼륨이 있습니다",
    ),
    (r"there is no restore point at all", "복원 지점이 하나도 없습니다"),
    (
        r"no restore point is at or before (?P<t>.+); the nearest is (?P<n>.+)",
        "{t} 이전의 복원 지점이 없습니다. 가장 가까운 것: {n}",
    ),
    (r"no restore point is verified; the best is (?P<n>.+)", "검증된 복원 지점이 없습니다. 가장 나은 것: {n}"),
    (r"run (?P<r>\S+) made no restore point here", "실행 {r}의 복원 지점이 여기에 없습니다"),
    (
        r"tier (?P<t>\S+): the repository at (?P<p>.+) has the id (?P<i>\S+), not (?P<k>.+)",
        "{t} 티어: {p} 저장소의 ID가 {k}이(가) 아니라 {i}입니다",
    ),
    (
        r"no disk of tier (?P<t>\S+) is connected: none is mounted at (?P<p>.+)",
        "{t} 티어의 디스크가 연결되어 있지 않습니다. {p}에 마운트된 것이 없습니다",
    ),
    (r"disks (?P<n>.+) are connected", "디스크 {n}이(가) 함께 연결되어 있습니다"),
    (r"disk (?P<n>\S+) is not at (?P<p>\S+): (?P<said>.+)", "디스크 {n}이(가) {p}에 없습니다: {said}"),
    (r"disk (?P<n>\S+) at (?P<p>.+) was never prepared", "{p}의 디스크 {n}은(는) 준비된 적이 없습니다"),
    (r"(?P<what>disk \S+|tier \S+|.+) needs a password that somebody types", "{what}: 사람이 비밀번호를 입력해야 합니다"),
    (r"(?P<what>.+) waits for its password, which is on paper", "{what}: 종이에 적힌 비밀번호를 기다립니다"),
    (r"the password is empty", "비밀번호가 비어 있습니다"),
    (r"wrong password for repository (?P<p>.+)", "{p} 저장소의 비밀번호가 틀립니다"),
    (r"no repository is at (?P<p>.+)", "{p}에 저장소가 없습니다"),
    (r"repository (?P<p>\S+) can't be reached: (?P<said>.+)", "{p} 저장소에 닿을 수 없습니다: {said}"),
    (r"repository (?P<p>\S+) is locked (?P<said>.+)", "{p} 저장소가 잠겨 있습니다: {said}"),
    (r"repository (?P<p>\S+) has no such snapshot: (?P<said>.+)", "{p} 저장소에 그런 스냅샷이 없습니다: {said}"),
    (
        r"restic (?P<a>\S+) on (?P<p>\S+) failed with exit code (?P<c>\d+): (?P<said>.+)",
        "{p}의 restic {a}이(가) 종료 코드 {c}(으)로 실패했습니다: {said}",
    ),
    (
        r"no space is left for restic (?P<a>\S+) on (?P<p>\S+): (?P<said>.+)",
        "{p}의 restic {a}에 쓸 디스크 공간이 없습니다: {said}",
    ),
    (r"(?P<what>.+) was ended by signal (?P<n>\d+)", "{what}: 신호 {n}(으)로 끝났습니다"),
    (
        r"(?P<what>.+) did not end within (?P<n>[\d.e+]+) s; it was ended(?:; it had said: (?P<said>.+))?",
        "{what}: {n}초 안에 끝나지 않아서 끝냈습니다{: said}",
    ),
    (r"(?P<what>.+) did not answer within (?P<n>[\d.]+) s", "{what}: {n}초 안에 대답하지 않았습니다"),
    (r"(?P<why>.+); and (?P<more>program .+)", "{why}; {more}"),
    (r"(?P<p>pg_\w+)(?: --\w+)? of (?P<s>.+?) at (?P<at>[^:]+): (?P<said>.+)", "{at}의 {s}에 대한 {p}: {said}"),
    (r"making (?P<what>database \S+|the roles .+) at (?P<at>[^:]+): (?P<said>.+)", "{at}에 만들 수 없음 ({what}): {said}"),
    (r"database (?P<s>.+) at (?P<at>[^:]+): (?P<said>.+)", "{at}의 데이터베이스 {s}: {said}"),
    (r"server at (?P<at>[^:]+) does not answer: (?P<said>.+)", "{at}의 서버가 대답하지 않습니다: {said}"),
    (r"server at (?P<at>[^:]+): (?P<said>.+)", "{at}의 서버: {said}"),
    (r"Docker does not answer: (?P<said>.+)", "Docker가 대답하지 않습니다: {said}"),
    (r"Docker did not start a container within (?P<n>[\d.]+) s", "Docker가 {n}초 안에 컨테이너를 시작하지 못했습니다"),
    (r"program (?P<p>.+) of PostgreSQL (?P<n>\d+) is not on this machine", "PostgreSQL {n}의 {p} 프로그램이 이 머신에 없습니다"),
    (r"program (?P<p>.+) can't be started: (?P<said>.+)", "{p} 프로그램을 시작할 수 없습니다: {said}"),
    (r"program (?P<p>\S+) \(Docker's client\) is not on this machine", "{p} 프로그램(Docker 클라이언트)이 이 머신에 없습니다"),
    (
        r"container (?P<c>\S+), whose image the drill needs, does not exist",
        "훈련에 쓸 이미지의 컨테이너 {c}이(가) 없습니다",
    ),
    (r"the scratch container (?P<c>\S+) has ended \((?P<s>.+)\)", "임시 컨테이너 {c}이(가) 끝났습니다 ({s})"),
    (r"the scratch server did not start: (?P<said>.+)", "임시 서버가 시작되지 않았습니다: {said}"),
    (
        r"(?P<what>.+) of a scratch server ended with exit (?P<c>-?\d+): (?P<said>.+)",
        "임시 서버의 {what}이(가) 종료 코드 {c}(으)로 끝났습니다: {said}",
    ),
    (
        r"(?P<p>.+): (?P<n>[\d,]+) bytes are free and the drill of (?P<s>.+) may need (?P<m>[\d,]+)",
        "{p}: 빈 공간이 {n}바이트인데 {s} 훈련에 {m}바이트까지 필요할 수 있습니다",
    ),
    (
        r"the scratch server of (?P<s>.+) takes (?P<n>[\d,]+) bytes and may take (?P<m>[\d,]+): its load was ended",
        "{s}의 임시 서버가 {n}바이트를 쓰고 있고 {m}바이트까지 허용됩니다. 적재를 끝냈습니다",
    ),
    (
        r"the scratch server \((?P<k>\w+)\) has no extension (?P<e>.+), which (?P<s>.+) needs",
        "임시 서버({k})에 {s}에 필요한 확장 {e}이(가) 없습니다",
    ),
    (
        r"the scratch server has the (?P<x>.+) of source (?P<s>.+): nothing was done in it",
        "임시 서버가 소스 {s}의 것과 같은 곳입니다 ({x}). 아무 일도 하지 않았습니다",
    ),
    (r"the journal does not know run (?P<r>\S+), which dumped (?P<s>.+)", "저널이 {s}을(를) 덤프한 실행 {r}을(를) 모릅니다"),
    (r"(?P<s>\S+) did not come back whole: (?P<why>.+)", "{s}이(가) 온전히 돌아오지 않았습니다: {why}"),
    (r"tier (?P<t>\S+): (?P<why>.+)", "{t} 티어: {why}"),
    # what is overdue
    (
        r"(?P<t>\S+): no restore point of (?P<s>.+) is younger than (?P<more>.+)",
        "{t}: {s}의 복원 지점이 모두 {more}보다 오래되었습니다",
    ),
    (
        r"(?:(?P<t>\S+): )?no drill has passed since the one of (?P<s>\S+) was due",
        "{t: }{s}에 예정된 뒤로 통과한 훈련이 없습니다",
    ),
    (r"(?:(?P<t>\S+): )?nothing ran for the slot (?P<s>\S+) of (?P<j>\S+)", "{t: }{j}: {s}에 예정된 실행이 없었습니다"),
    (
        r"(?P<t>\S+): disk (?P<d>\S+) of (?P<q>\S+) was not synced by its 15th day: connect it",
        "{t}: {q}의 디스크 {d}이(가) 15일째까지 동기화되지 않았습니다. 연결하세요",
    ),
    (
        r"(?:(?P<t>\S+): )?run (?P<r>\S+) of (?P<j>\S+) has waited for (?P<w>.+) for over a day",
        "{t: }{j}의 실행 {r}이(가) 하루 넘게 기다리고 있습니다 ({w})",
    ),
    (r"(?P<s>[^\s:;]+): (?P<why>(?:tier|there is|no restore point|run) .+)", "{s}: {why}"),
    (r"(?P<n>\d+)h", "{n}시간"),
    (r"(?P<n>\d+)d", "{n}일"),
    (r"(?P<n>\d+)m", "{n}분"),
    # the journal
    (r"event (?P<n>\d+) (?P<said>.+)", "이벤트 {n}: {said}"),
    (r"(?P<t>\S+) is missing from the schema (?P<said>.+)", "스키마에 {t}이(가) 없습니다 {said}"),
    (r"(?P<t>\S+) is in the schema and doesn't belong there", "스키마에 {t}이(가) 있고 거기에 있을 것이 아닙니다"),
    (r"(?P<t>\S+) is not as axej made it", "{t}이(가) axej가 만든 것과 다릅니다"),
    (r"SQLite's integrity check says: (?P<said>.+)", "SQLite 무결성 검사: {said}"),
    # several
    (r"(?P<why>.+) and (?P<n>\d+) more", "{why} 외 {n}건"),
)
PATTERNS = tuple((re.compile(pattern, re.DOTALL), template) for pattern, template in SENTENCES)
OPTIONAL = re.compile(r"\{(?P<before>[;:] ?)?(?P<group>\w+)(?P<after>: )?\}")
NEXT_SOURCE = re.compile(r"; (?=[^:;]+ from [^:;]+: )")


def korean(text: str) -> str:
    """The sentence in Korean; as it is when it is none of axej's."""
    if text in WORDS:
        return WORDS[text]
    for pattern, template in PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            return _filled(template, {name: _turned(name, value) for name, value in found.groupdict().items()})
    parts = text.split("; ")
    return "; ".join(map(korean, parts)) if len(parts) > 1 else text


def _turned(name: str, value: str | None) -> str:
    if value is None:
        return ""
    if name == "sources":  # each may hold the same sign inside
        return "; ".join(map(korean, NEXT_SOURCE.split(value)))
    if name == "parts":
        return ", ".join(map(korean, re.split(r", (?!or )", value)))
    return korean(value) if name in NESTED else value


def _filled(template: str, values: dict[str, str]) -> str:
    """`{x: }`: with the sign behind it, `{: x}`: with the sign before it, where there is anything at all."""

    def put(found: re.Match[str]) -> str:
        value = values[found["group"]]
        return f"{found['before'] or ''}{value}{found['after'] or ''}" if value else ""

    return OPTIONAL.sub(put, template)

"""The words for days, times and units, in English, German and Chinese."""

from collections.abc import Mapping

WEEKDAYS: Mapping[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "monday mon montag montags mondays 一",
            "tuesday tue tues dienstag dienstags tuesdays 二",
            "wednesday wed mittwoch mittwochs wednesdays 三",
            "thursday thu thur thurs donnerstag donnerstags thursdays 四",
            "friday fri freitag freitags fridays 五",
            "saturday sat samstag samstags sonnabend saturdays 六",
            "sunday sun sonntag sonntags sundays 日 天",
        )
    )
    for word in words.split()
}
MONTHS: Mapping[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "january jan januar jänner",
            "february feb februar",
            "march mar märz",
            "april apr",
            "may mai",
            "june jun juni",
            "july jul juli",
            "august aug",
            "september sep sept",
            "october oct oktober okt",
            "november nov",
            "december dec dezember dez",
        ),
        1,
    )
    for word in words.split()
}
#: Days from today.
DAYS: Mapping[str, int] = {
    **{"today": 0, "heute": 0, "今天": 0, "tomorrow": 1, "tmrw": 1, "morgen": 1, "明天": 1},
    **{"the day after tomorrow": 2, "day after tomorrow": 2, "übermorgen": 2, "后天": 2},
}
#: The hour that is meant when somebody names only a part of the day; those from noon on are in the
#: second half of a clock with twelve hours.
PARTS: Mapping[str, int] = {
    **{"morning": 9, "noon": 12, "midday": 12, "afternoon": 14, "evening": 18, "night": 20},
    **{"früh": 9, "morgens": 9, "vormittag": 9, "vormittags": 9, "mittag": 12, "mittags": 12},
    **{"nachmittag": 14, "nachmittags": 14, "abend": 18, "abends": 18, "nachts": 22},
    **{"早上": 9, "上午": 9, "早": 9, "中午": 12, "下午": 14, "傍晚": 18, "晚上": 20, "晚": 20},
}
#: Seconds of a unit; units of days and longer follow the calendar.
SECONDS: Mapping[str, int] = {
    **dict.fromkeys(("minute", "minutes", "min", "mins", "minuten", "分钟"), 60),
    **dict.fromkeys(("hour", "hours", "h", "hr", "hrs", "stunde", "stunden", "小时"), 3_600),
    **dict.fromkeys(("个小时", "钟头", "个钟头"), 3_600),
}
CALENDAR: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("day", "days", "d", "tag", "tage", "tagen", "天"), (1, 0)),
    **dict.fromkeys(("week", "weeks", "w", "woche", "wochen", "周", "个星期", "星期"), (7, 0)),
    **dict.fromkeys(("month", "months", "monat", "monate", "monaten", "个月"), (0, 1)),
    **dict.fromkeys(("year", "years", "jahr", "jahre", "jahren", "年"), (0, 12)),
}
NUMBERS: Mapping[str, float] = {
    **{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10},
    **{"half an": 0.5, "half a": 0.5, "a couple of": 2, "a few": 3},
    **{"ein": 1, "eine": 1, "einer": 1, "einem": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5},
    **{"einer halben": 0.5, "eine halbe": 0.5, "zehn": 10},
    **{"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9},
    **{"十": 10, "十一": 11, "十二": 12, "半": 0.5, "半个": 0.5},
}
#: Monday to Friday.
WORKDAYS = (0, 1, 2, 3, 4)

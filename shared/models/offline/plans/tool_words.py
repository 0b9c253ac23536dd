"""The words by which people ask for tools.

Extend the table as you like; commas separate the words of a cell. A tool that has no row is asked
for by the words of its own name, such as `close_issue` by close and issue.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from shared.models.offline.word_lists import listed


class ToolWords(NamedTuple):
    """`verbs` ask for the tool alone, `general` ones together with a noun."""

    verbs: tuple[str, ...]
    general: tuple[str, ...]
    nouns: tuple[str, ...]


_GIVE = (
    "add, put, apply, attach, set, give, leave, write, post, make, create, füge, gib, setze, "
    "schreibe, ajoute, ajoutez, mets, mettez, écris, écrivez, laisse, laissez, añade, añada, "
    "agrega, agregue, pon, ponga, escribe, escriba, deja, 添加, 加上, 加, 打, "
    "贴, 写, 付け, つけ, 追加, 書い"
)
_OPEN = (
    "open, create, file, raise, make, start, add, submit, log, write, öffne, eröffne, erstelle, "
    "lege, ouvre, ouvrez, crée, créez, abre, abra, crea, cree, "
    "新建, 创建, 打开, 开, 提, 建, 作成, 立て, 開い"
)
_FIND = (
    "find, search, look, list, show, get, which, what, who, where, how, fetch, check, collect, "
    "suche, finde, zeige, liste, cherche, cherchez, trouve, trouvez, montre, montrez, affiche, "
    "busca, busque, encuentra, muestra, muestre, lista, "
    "查找, 搜索, 找出, 找, 列出, 查看, 检索, 探し, 検索, 調べ, 一覧"
)
_READ = "read, show, get, fetch, check, see, lies, lis, lee, 读取, 阅读, 读, 看, 読ん"
_ISSUES = (
    "issue, ticket, bug report, bug, report, follow-up, followup, task, incident, problem, "
    "incidencia, tarea, tâche, aufgabe, vorgang, 问题, 工单, 议题, 課題, イシュー, チケット"
)
_SAY = (
    "say, tell, answer, respond, comment, mention, thank, greet, note, kommentiere, antworte, "
    "sage, commente, commenter, commentez, réponds, répondez, dis, comenta, comentar, comente, "
    "responde, responda, di, reply, 评论, 回复, "
    "留言, 回答, 说, コメント, 返信"
)
_NOTE = "comment, note, remark, kommentar, commentaire, comentario, 评论, 留言, コメント"

_WORDS = {
    name: ToolWords(*map(listed, cells))
    for name, cells in {
        "add_labels": (
            "label, relabel, tag, mark, flag, categorise, categorize, classify, etikettiere, "
            "kennzeichne, markiere, étiquette, étiqueter, étiquetez, marque, marquez, etiqueta, "
            "etiquetar, etiquete, marca, "
            "标记, 标为, 打标签, 贴标签",
            f"{_GIVE}, use",
            "label, tag, etikett, étiquette, etiqueta, 标签, ラベル",
        ),
        "comment": (_SAY, _GIVE, _NOTE),
        "reply": (f"{_SAY}, 返事", _GIVE, f"reply, answer, message, {_NOTE}"),
        "post": ("post, announce, share, send, poste, publie, publica, 发布, 发到, 投稿", "", ""),
        "assign": (
            "assign, hand, delegate, weise, assigne, assignez, asigna, asignar, asigne, "
            "指派, 分配, 割り当て",
            f"{_GIVE}, make",
            "assignee, owner, responsible",
        ),
        "close_issue": ("close, schließe, ferme, fermez, cierra, cierre, 关闭, 閉じ", "", ""),
        "reopen_issue": ("reopen", "", ""),
        "lock_issue": ("lock", "", ""),
        "remove_labels": ("unlabel, untag", "remove", "label, tag"),
        "set_milestone": ("", f"{_GIVE}, move", "milestone"),
        "open_issue": ("", f"{_OPEN}, report", _ISSUES),
        "open_draft_pull": (
            "draft",
            f"{_OPEN}, propose",
            "pull request, draft, pr, pull, merge request, 拉取请求, プルリクエスト",
        ),
        "search_issues": ("", _FIND, _ISSUES),
        "read_issue": ("", f"{_READ}, {_FIND}", "issue, ticket, discussion, description"),
        "search_code": (
            "grep",
            _FIND,
            "code, source, usage, function, class, caller, 代码, コード",
        ),
        "read_file": ("", f"{_READ}, {_FIND}", "file, readme, 文件, ファイル, datei, fichier"),
        "list_commits": ("", _FIND, "commit, change, history, 提交, コミット"),
        "list_pulls": ("", _FIND, "pull request, pull, pr, merge request, 拉取请求"),
        "read_pull": ("review", _READ, "pull request, pull, pr, diff, patch, 拉取请求"),
        "list_labels": ("", _FIND, "label, tag, 标签, ラベル"),
        "read_thread": ("", f"{_READ}, {_FIND}", "thread, conversation, discussion, message"),
        "read_files": ("", f"{_READ}, {_FIND}", "attachment, attachments, picture, screenshot"),
        "recall": (
            "recall, remember, 回忆, 记得, 思い出",
            _FIND,
            "know, known, remember, memory, 知道",
        ),
        "write_text": (
            "summarise, summarize, sum, write, draft, group, explain, describe, compare, "
            "translate, outline, fasse, erkläre, résume, résumer, résumez, explique, expliquez, "
            "resume, resumir, resuma, explica, 总结, 概括, 摘要, 解释, 写, 要約, まとめ, 説明",
            "",
            "",
        ),
    }.items()
}

#: They open a request only at the start of a sentence.
QUESTION_WORDS = frozenset(
    listed("which, what, who, where, how, see, check, get, look, use, note, start, set, make")
)
#: Verbs that no tool of the project does: better said than done in part.
IMPOSSIBLE = frozenset(
    listed(
        "close, reopen, delete, remove, unlabel, untag, unassign, lock, unlock, merge, rename, "
        "edit, pin, unpin, approve, revert, deploy, release, email, mail, call, fix, implement, "
        "move, ask, transfer, archive, subscribe, schedule, wait, undo, push, rebase, ping, "
        "convert, 关闭, 删除, 移除, 合并, 部署, 発行, 閉じ, 削除"
    )
)
#: Nouns that a request for a text names.
WRITTEN = frozenset(
    listed(
        "summary, overview, recap, digest, list, results, result, findings, outcome, answer, "
        "report, explanation, analysis, description, conclusion, zusammenfassung, résumé, resumen, "
        "总结, 摘要, 概括, 结果, 要約, まとめ, 結果"
    )
)


def words_of(tool: str) -> ToolWords:
    """Return the words that ask for a tool."""
    verb, *rest = tool.lower().split("_")
    known = _WORDS.get(tool)
    return known or (ToolWords((), (verb,), tuple(rest)) if rest else ToolWords((verb,), (), ()))


def verbs_of(tools: Iterable[str]) -> frozenset[str]:
    """Return all verbs that may open a request for one of the tools."""
    words = [words_of(tool) for tool in tools]
    return frozenset(verb for known in words for verb in (*known.verbs, *known.general))


def place_of(word: str, text: str) -> int:
    """Return where a word or its plural stands in a text in small letters, or -1. Words of scripts
    without spaces may stand anywhere."""
    if is_spaced(word):
        found = re.search(rf"(?<!\w){re.escape(word)}(?:e?s)?(?![\w-])", text)
        return found.start() if found else -1
    return text.find(word)


def is_spaced(word: str) -> bool:
    """Is the word of a script that puts spaces between words?"""
    return ord(word[0]) < 0x2E80

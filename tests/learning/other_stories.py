"""A second set of stories, told in other words about other code than those of `histories`: no
threshold was chosen by them, but they were looked at while rules were made."""

from tests.learning.histories import Told

#: The last two claims of each share no word with the others.
OTHER_STORIES: tuple[Told, ...] = (
    Told(
        "bank/transfer.py",
        ("    source.balance -= amount", "    target.balance += amount"),
        ("concurrency", "bug", "data loss"),
        (
            "Both balances change without a transaction, so a crash in between loses money.",
            "No transaction: after a failure between both lines the amount is lost.",
            "The two updates are not atomic; a crash loses the amount.",
            "If the second update fails, the money is gone; use a transaction.",
            "Half of it may be done when the process is killed; wrap them.",
            "Kill it here and one account is poorer while nobody is richer.",
        ),
    ),
    Told(
        "net/retry.go",
        ("\tfor i := 0; i < retries; i++ {", "\t\tresp, err = client.Do(req)"),
        ("bug", "performance"),
        (
            "The body of the request was read by the first try, so each retry sends an empty one.",
            "A retry sends no body: the reader was consumed by the first attempt.",
            "`req.Body` is consumed after one attempt; later retries send nothing.",
            "Rewind the body before each attempt, or retries are empty.",
            "Only the first one carries data; rebuild what is posted every time.",
            "The stream sits at its end when it goes out again.",
        ),
    ),
    Told(
        "web/session.ts",
        ("  const ttl = Number(process.env.TTL);", "  cache.set(id, user, ttl);"),
        ("bug",),
        (
            "Without the variable the number is NaN, and the entry never expires.",
            "`TTL` may be unset; `Number(undefined)` is NaN, so nothing expires.",
            "An unset `TTL` gives NaN and the session stays for ever.",
            "When the variable is missing, entries never expire: `ttl` is NaN.",
            "Give it a default, else people remain signed in until a restart.",
            "A forgotten setting keeps everybody logged on.",
        ),
    ),
    Told(
        "io/Copy.java",
        ("        byte[] all = in.readAllBytes();", "        out.write(all);"),
        ("performance", "bug"),
        (
            "The whole file is read into memory, so a large one ends the process.",
            "Large files exhaust the memory, since all bytes are read at once.",
            "`readAllBytes` loads the whole file; a large upload runs out of memory.",
            "Memory grows with the file; copy in blocks instead.",
            "`transferTo` streams, while here the heap has to hold everything.",
            "An upload of four gigabytes takes the server down.",
        ),
    ),
    Told(
        "jobs/mail.rb",
        ("    users.each { |user| Mailer.welcome(user).deliver_now }",),
        ("performance", "bug"),
        (
            "Each mail is sent while the request waits; one slow server blocks all of them.",
            "Mails are sent in the request, so a slow server blocks the answer.",
            "Sending is synchronous: the request waits for every mail.",
            "Send them in the background, or the request waits for each mail.",
            "`deliver_later` hands them to a queue and returns.",
            "Visitors stare at a spinner until SMTP is through with everybody.",
        ),
    ),
    Told(
        "api/upload.py",
        ("    path = os.path.join(ROOT, request.args['name'])", "    return open(path).read()"),
        ("security",),
        (
            "A name with `..` leaves the folder, so anybody reads any file.",
            "Path traversal: `name` may hold `..` and reach files outside of `ROOT`.",
            "The name is not checked for `..`, which allows to read files outside the folder.",
            "`os.path.join` with an absolute name ignores `ROOT`; any file can be read.",
            "Resolve it first and compare the prefix, otherwise /etc/passwd is one request away.",
            "Visitors choose what is served to them, host keys too.",
        ),
    ),
)  # fmt: skip

"""A bot of a widely used library talks to the sandbox's Telegram: that it can shows the stand-in to be one.

Run by the test `a_real_bot_library_takes_the_sandbox_for_telegram`; SANDBOX_URL says where it is.
"""

import asyncio
import json
import os
import urllib.request

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReactionTypeEmoji, ReplyParameters
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter

URL = os.environ["SANDBOX_URL"]
CHANNEL, FORUM = -1001000000001, -1001000000002
PICTURE = b"\x89PNG\r\n\x1a\n picture"


def control(method, path, body=None):
    """A call of the sandbox's control interface."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{URL}/_sandbox/{path}", data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


async def refused(call, kind, words=""):
    """The library has to raise this kind of error."""
    try:
        await call
    except kind as error:
        assert words in str(error), error
        return error
    raise AssertionError(f"{kind.__name__} was expected")


async def talk(token):
    bot = Bot(token, base_url=f"{URL}/bot", base_file_url=f"{URL}/file/bot")
    async with bot:
        assert (await bot.get_me()).is_bot
        stranger = Bot("1:wrong", base_url=f"{URL}/bot")
        await refused(stranger.get_me(), InvalidToken)

        # It is added, and hears of it.
        await refused(bot.send_message(CHANNEL, "too early"), Forbidden)
        control("PUT", f"telegram/chats/{CHANNEL}/bot", {"status": "administrator"})
        control("PUT", f"telegram/chats/{FORUM}/bot", {"status": "administrator"})
        updates = await bot.get_updates()
        change = updates[0].my_chat_member
        assert change.chat.id == CHANNEL and change.new_chat_member.status == "administrator"
        assert change.new_chat_member.can_post_messages
        assert [u.update_id for u in updates] == [updates[0].update_id, updates[0].update_id + 1]
        assert await bot.get_updates(offset=updates[1].update_id + 1) == ()
        assert (await bot.get_chat(FORUM)).is_forum
        assert (await bot.create_chat_invite_link(CHANNEL)).invite_link.startswith("https://t.me/")

        # It posts, with marks and a button; what is no HTML is refused.
        button = InlineKeyboardMarkup([[InlineKeyboardButton("7900", url="https://hub.example/chats/1")]])
        post = await bot.send_message(CHANNEL, "<b>От:</b> &lt;Ann&gt; 🎉", parse_mode="HTML", reply_markup=button)
        assert post.text == "От: <Ann> 🎉" and post.parse_entity(post.entities[0]) == "От:"
        await refused(bot.send_message(CHANNEL, "<x>", parse_mode="HTML"), BadRequest, "parse entities")
        await refused(bot.send_message(CHANNEL, "x" * 4097), BadRequest, "too long")
        await refused(bot.edit_message_text("x", CHANNEL, 999), BadRequest, "not found")
        edited = await bot.edit_message_text("later", CHANNEL, post.message_id)
        assert edited.text == "later"
        await refused(bot.edit_message_text("later", CHANNEL, post.message_id), BadRequest, "not modified")

        # Files come and go. A chat takes a short burst a second, so there is a pause now and then.
        await asyncio.sleep(1.1)
        picture = await bot.send_photo(FORUM, PICTURE, caption="c")
        file = await bot.get_file(picture.photo[-1].file_id)
        assert bytes(await file.download_as_bytearray()) == PICTURE
        document = await bot.send_document(FORUM, b"%PDF-1.4", filename="a.pdf")
        assert document.document.file_name == "a.pdf"

        # Topics, answers and reactions.
        topic = await bot.create_forum_topic(FORUM, "Ann")
        inside = await bot.send_message(FORUM, "in", message_thread_id=topic.message_thread_id)
        assert inside.is_topic_message
        await asyncio.sleep(1.1)
        await refused(bot.send_message(FORUM, "in", message_thread_id=9999), BadRequest, "thread not found")
        control("POST", f"telegram/chats/{CHANNEL}/write", {"text": "yes", "reply_to": post.message_id})
        (update,) = await bot.get_updates(offset=updates[1].update_id + 1)
        answer = update.channel_post
        assert answer.reply_to_message.message_id == post.message_id
        assert await bot.set_message_reaction(CHANNEL, answer.message_id, [ReactionTypeEmoji("👍")])
        await refused(bot.set_message_reaction(CHANNEL, answer.message_id, [ReactionTypeEmoji("✅")]), BadRequest, "eaction")
        gone = ReplyParameters(message_id=12345, allow_sending_without_reply=True)
        assert (await bot.send_message(FORUM, "late", reply_parameters=gone)).reply_to_message is None

        # A flood is stopped with the time to wait.
        async def flood():
            for n in range(40):
                await bot.send_message(CHANNEL, f"flood {n}")

        error = await refused(flood(), RetryAfter)
        wait = error.retry_after
        assert (wait if isinstance(wait, int) else wait.total_seconds()) >= 1

        # A webhook and polling exclude each other.
        assert await bot.set_webhook(f"{URL}/nowhere", secret_token="s", allowed_updates=["message"])
        info = await bot.get_webhook_info()
        assert info.url.endswith("/nowhere") and list(info.allowed_updates) == ["message"]
        assert await bot.delete_webhook()
        control("PUT", f"telegram/chats/{CHANNEL}/bot", {"status": "kicked"})
        await refused(bot.send_message(CHANNEL, "gone"), Forbidden, "kicked")


asyncio.run(talk(control("GET", "accounts")["telegram"]["botToken"]))

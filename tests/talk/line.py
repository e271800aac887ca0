"""A conversation over a bad line, with a hall that is killed: exact on both sides."""
import signal
import threading
import time

from talker import Talker, exact, say_all, started, tap, waits
import chaos

place, client, agent = started()


@tap.test("said and answered, marked as it comes and is read, refused as it must be")
def _():
    talker = Talker(place)
    talker.say("在排队的时候先说")
    waits(agent, talker)
    talker.wait_for(lambda line: line == "state talking")
    talker.wait_for(lambda line: line == "mark 0 1 0 0 0")
    agent.mark(got=1)
    talker.wait_for(lambda line: line == "mark 0 0 1 0 0")
    agent.mark(read=1)
    talker.wait_for(lambda line: line == "mark 0 0 0 1 0")
    talker.say("密码是 123456")
    talker.wait_for(lambda line: line == "refused chat-pin")
    talker.say("手机 13800000000\r第二行")
    talker.wait_for(lambda line: line == "mark 0 1 0 1 0")
    say_all(agent, ["收到"])
    talker.wait_for(lambda line: line.endswith(" 收到"))
    tap.equal([m["body"] for m in agent.history() if m["side"] == "customer"], ["在排队的时候先说", "手机 138****0000\n第二行"])
    agent.close().is_ok()
    talker.wait_for(lambda line: line == "state closed")
    talker.say("还在吗")
    talker.wait_for(lambda line: line == "refused chat-closed")
    talker.say("!close 4")
    for _ in range(2000): # it does not stay for this answer
        if agent.state()["rating"]:
            break
        time.sleep(0.01)
    talker.end()
    tap.equal(agent.state()["rating"], 4)


@tap.test("ended while messages are on their way: they arrive before the end")
def _():
    with chaos.Proxy(place.port) as line:
        place.through(line.port)
        talker = Talker(place)
        waits(agent, talker)
        line.set(latency=0.05)
        mine = [f"最后第 {n} 条" for n in range(8)]
        for text in mine:
            talker.say(text)
        talker.say("!close 3")
        talker.wait_for(lambda line: line == "state closed")
        talker.end()
    place.through(place.port)
    tap.equal([m["body"] for m in agent.history() if m["side"] == "customer"], mine)
    tap.equal(agent.state()["rating"], 3)


@tap.test("the line is cut, reset, sliced and slow in the middle of a burst")
def _():
    with chaos.Proxy(place.port) as line:
        place.through(line.port)
        talker = Talker(place)
        waits(agent, talker)
        mine, others = [f"客户第 {n} 条" for n in range(120)], [f"客服第 {n} 条" for n in range(60)]
        answering = threading.Thread(target=say_all, args=[agent, others])
        answering.start()
        for n, text in enumerate(mine):
            talker.say(text)
            if n == 20:
                line.cut()
            elif n == 40:
                line.set(slice=7, pause=0.0005)
            elif n == 60:
                line.reset()
            elif n == 70:
                line.clear()
                line.set(latency=0.05)
            elif n == 90:
                line.at(2000, line.cut)
                line.clear()
        answering.join()
        exact(talker, agent, mine, others)
        talker.end()
        agent.close().is_ok()
    place.through(place.port)


@tap.test("the hall is killed twice in the middle of a burst")
def _():
    with chaos.Proxy(place.port) as line: # the terminal's way stays the same when the hall's port changes
        place.through(line.port)
        talker = Talker(place)
        waits(agent, talker)
        mine, others = [f"客户第 {n} 条" for n in range(100)], [f"客服第 {n} 条" for n in range(40)]
        answering = threading.Thread(target=say_all, args=[agent, others])
        answering.start()
        for n, text in enumerate(mine):
            talker.say(text)
            if n in (30, 70):
                talker.wait_for(lambda told, n=n: told.endswith(f" {mine[n - 25]}"))
                place.service.stop(signal.SIGKILL)
                place.port = line.to = place.service.start()
        answering.join()
        exact(talker, agent, mine, others)
        talker.end()
        agent.close().is_ok()
    place.through(place.port)


@tap.test("the person's program is killed: the same request goes on with what the hall has")
def _():
    talker = Talker(place)
    waits(agent, talker)
    talker.say("第一条")
    talker.wait_for(lambda line: line.endswith(" 第一条"))
    talker.close()
    say_all(agent, ["您还在吗"])
    again = Talker(place, talker.request)
    again.wait_for(lambda line: line.endswith(" 您还在吗"))
    again.say("在")
    exact(again, agent, ["第一条", "在"], ["您还在吗"])
    again.say("!close 5")
    again.wait_for(lambda line: line == "state closed")
    again.end()


tap.run()

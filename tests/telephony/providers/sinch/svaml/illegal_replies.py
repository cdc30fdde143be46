"""Replies that Sinch would refuse. This file is never run: a type checker reads it, and test_types.py what it says.

A line that ends in a mark has to be refused with that code, and no other line.
"""

from __future__ import annotations

from telephony.providers.sinch.svaml import (
    Answer,
    BargeHangup,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectSipPeer,
    ConnectStream,
    Continue,
    Goto,
    Hangup,
    Menu,
    Option,
    Park,
    ReportCallStatus,
    Return,
    RunMenu,
    Say,
    SendDtmf,
    SipAddress,
    User,
    Websocket,
    ace,
    ace_of_callout,
    ace_of_callout_reply,
    ace_reply,
    dice,
    ice,
    ice_reply,
    manage,
    manage_reply,
    menu_definitions,
    notify,
    pie,
    pie_reply,
    read_svaml,
)

MENU = RunMenu(main_menu="main", menus=(Menu("main", "f", options=(Option("1", Goto("main")),)),))

# Legal, every one of them.
ice(Answer(), Say("Hello."), action=ConnectPstn("+12025550123", cli="private", max_duration=60))
ice(action=Continue())
ace(Say("Hello."), action=MENU)
ace_of_callout(action=ConnectConf("room"))
pie(SendDtmf("1"), action=ConnectSipPeer(account="a", extension="1"))
manage(action=BargeHangup())
dice(ReportCallStatus("success"))
ice_reply().set_cookie("k", "v").connect_pstn("+12025550123").with_cli("private").with_bridge_timeout(60)
read_svaml("{}", "dice")

# An instruction where it does not belong
ace(Answer(), action=Hangup())  # refused: arg-type
ace(SendDtmf("1"), action=Hangup())  # refused: arg-type
ace_of_callout(SendDtmf("1"), action=Hangup())  # refused: arg-type
pie(Answer(), action=Hangup())  # refused: arg-type
ice(ReportCallStatus("success"), action=Hangup())  # refused: arg-type
ice(Hangup(), action=Hangup())  # refused: arg-type
dice(Say("Goodbye."))  # refused: arg-type
notify(Say("Goodbye."))  # refused: call-arg

# An action where it does not belong
ice(action=BargeHangup())  # refused: arg-type
ice(action=Say("Hello."))  # refused: arg-type
ace(action=ConnectPstn("+12025550123"))  # refused: arg-type
ace(action=ConnectConf("room"))  # refused: arg-type
ace(action=Park("f"))  # refused: arg-type
ace_of_callout(action=ConnectMxp(User("bob")))  # refused: arg-type
pie(action=ConnectMxp(User("bob")))  # refused: arg-type
pie(action=Park("f"))  # refused: arg-type
pie(action=ConnectStream(Websocket("wss://example.com")))  # refused: arg-type
manage(action=ConnectStream(Websocket("wss://example.com")))  # refused: arg-type

# Not exactly one action
ice(Say("Hello."))  # refused: call-arg
ice(Say("Hello."), Hangup())  # refused: call-arg, arg-type

# Parts that do not fit together
ConnectMxp("bob")  # refused: arg-type
ConnectPstn("+12025550123", "+442079460000")  # refused: call-arg
ConnectPstn("+12025550123", extension="1")  # refused: call-arg
ConnectSip(destination=SipAddress("a@b"), extension="1")  # refused: call-arg
ConnectSip(destination=SipAddress("a@b"), transport="SCTP")  # refused: arg-type
ConnectConf("room", moh="music9")  # refused: arg-type
Hangup(barge=True)  # refused: call-arg
Option("1", "menu(main)")  # refused: arg-type
Option("1", Return("r", add=()))  # refused: call-arg
RunMenu(menus=())
RunMenu(menus=(MENU,))  # refused: arg-type

# The fluent faces
ace_reply().answer()  # refused: attr-defined
ace_reply().connect_pstn("+12025550123")  # refused: attr-defined
ace_reply().park("f", 60)  # refused: attr-defined
ace_of_callout_reply().connect_mxp("bob")  # refused: attr-defined
pie_reply().connect_mxp("bob")  # refused: attr-defined
ice_reply().barge_hangup()  # refused: attr-defined
manage_reply().connect_stream("wss://example.com")  # refused: attr-defined
ice_reply().hangup().say("Too late.")  # refused: attr-defined
ice_reply().say("No action yet.").body  # noqa: B018  # refused: attr-defined
ice_reply().connect_mxp("bob").with_bridge_timeout(60)  # refused: attr-defined
ice_reply().connect_conference("room").with_extension("1")  # refused: attr-defined
ice_reply().run_menu("main", menu_definitions().begin_menu_definition("main", "f"))  # refused: arg-type

# Pasted
read_svaml("{}", "hangup")  # refused: arg-type

package anser.smack.legacy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jivesoftware.smack.Chat;
import org.jivesoftware.smack.MessageListener;
import org.jivesoftware.smack.XMPPException;
import org.jivesoftware.smack.packet.IQ;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.Message.Type;
import org.jivesoftware.smack.packet.Packet;
import org.jivesoftware.smack.packet.PacketExtension;
import org.jivesoftware.smack.packet.Session;
import org.jivesoftware.smackx.packet.DelayInformation;

/** The seed's testPacket and testChatManager: a session packet, chat messages, a listener that answers, properties. */
final class MessageSteps {

  private static final String NOTE = "你不在。Call me back <later> & \"soon\"";

  private MessageSteps() {}

  static void session(User hoojo, Checks checks) {
    Session session = new Session();
    checks.notEmpty("nextID", Packet.nextID());
    IQ answer = hoojo.ask("answer to the session packet", session);
    checks.equal("answer to the session packet", IQ.Type.RESULT, answer.getType());
  }

  static void chatMessage(User hoojo, User jojo, Options options, Checks checks) {
    Message message = new Message("jojo@" + options.serverName(), Type.chat);
    message.setBody("h!~ jojo, I'am is hoojo!");
    hoojo.connection.sendPacket(message);

    Message got = jojo.nextMessage("jojo gets the chat message");
    checks.equal("body of the chat message", "h!~ jojo, I'am is hoojo!", got.getBody());
    checks.equal("type of the chat message", Type.chat, got.getType());
    checks.equal("sender of the chat message", hoojo.connection.getUser(), got.getFrom());
    checks.equal("id of the chat message", message.getPacketID(), got.getPacketID());
  }

  static void chatManager(User hoojo, User jojo, Options options, Checks checks) throws Exception {
    // A manager that still heard of the message before would make a chat of it, and count ours to that one.
    jojo.awaitListeners("jojo's listeners have heard of the message before");
    BlockingQueue<Message> heard = new LinkedBlockingQueue<>();
    // The seed's MyMessageListeners: answers whatever comes, and prints it.
    MessageListener answering = (chat, message) -> {
      try {
        chat.sendMessage("dingding……" + message.getBody());
      } catch (XMPPException failure) {
        throw new IllegalStateException(failure);
      }
      heard.add(message);
    };
    BlockingQueue<Chat> chatsOfJojo = new LinkedBlockingQueue<>();
    jojo.connection.getChatManager().addChatListener((chat, createdLocally) -> chatsOfJojo.add(chat));

    Chat chat = hoojo.connection.getChatManager().createChat("jojo@" + options.serverName(), answering);
    checks.notEmpty("ThreadID", chat.getThreadID());
    chat.sendMessage("h!~ jojo……");
    Message withProperty = new Message();
    withProperty.setBody("message");
    withProperty.setProperty("color", "red");
    chat.sendMessage(withProperty);

    Message first = jojo.nextMessage("jojo gets the first message of the chat");
    checks.equal("body of the first message", "h!~ jojo……", first.getBody());
    checks.equal("thread of the first message", chat.getThreadID(), first.getThread());
    checks.equal("type of the first message", Type.chat, first.getType());
    Message second = jojo.nextMessage("jojo gets the second message of the chat");
    checks.equal("body of the second message", "message", second.getBody());
    checks.equal("property color", "red", second.getProperty("color"));
    checks.equal("thread of the second message", chat.getThreadID(), second.getThread());

    Chat other = chatsOfJojo.poll(User.LIMIT_MS, TimeUnit.MILLISECONDS);
    checks.equal("jojo's chat has the same thread", chat.getThreadID(), other == null ? null : other.getThreadID());
    other.sendMessage("在吗?");
    Message answered = heard.poll(User.LIMIT_MS, TimeUnit.MILLISECONDS);
    checks.that("hoojo's listener hears jojo", answered != null, "a message", answered);
    checks.equal("From", jojo.connection.getUser(), answered.getFrom());
    checks.equal("To", hoojo.connection.getUser(), answered.getTo());
    checks.equal("Type", Type.chat, answered.getType());
    checks.equal("body", "在吗?", answered.getBody());
    String xml = answered.toXML();
    checks.that("toXML", xml.contains("<body>在吗?</body>") && xml.contains(chat.getThreadID()), "its parts", xml);
    Message ding = jojo.nextMessage("jojo gets the listener's answer");
    checks.equal("the listener's answer", "dingding……在吗?", ding.getBody());
    checks.equal("thread of the answer", chat.getThreadID(), ding.getThread());
    Message echo = hoojo.nextMessage("hoojo's connection saw what the listener heard");
    checks.equal("the same message by another way", answered.getPacketID(), echo.getPacketID());
  }

  /** Each of the library's property types must come out as it went in. */
  static void properties(User hoojo, User jojo, Options options, Checks checks) {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("color", "red & <蓝>");
    properties.put("integer", Integer.MIN_VALUE);
    properties.put("long", Long.MAX_VALUE);
    properties.put("float", 1.5f);
    properties.put("double", Math.PI);
    properties.put("boolean", true);
    properties.put("object", new ArrayList<>(List.of("序列化", 42)));
    Message message = new Message("jojo@" + options.serverName(), Type.chat);
    message.setBody("properties");
    properties.forEach(message::setProperty);
    hoojo.connection.sendPacket(message);

    Message got = jojo.nextMessage("jojo gets the properties");
    checks.equal("names of the properties", new TreeSet<>(properties.keySet()), new TreeSet<>(got.getPropertyNames()));
    properties.forEach((name, value) -> {
      checks.equal("property " + name, value, got.getProperty(name));
      checks.equal("type of property " + name, value.getClass(), got.getProperty(name).getClass());
    });
  }

  /** To a full address every type arrives as it is. */
  static void types(User hoojo, User jojo, Checks checks) {
    for (Type type : new Type[] {Type.normal, Type.chat, Type.headline, Type.groupchat}) {
      Message message = new Message(jojo.connection.getUser(), type);
      message.setBody("a " + type);
      hoojo.connection.sendPacket(message);
      Message got = jojo.nextMessage("jojo gets a " + type);
      checks.equal("type " + type, type, got.getType());
      checks.equal("body of type " + type, "a " + type, got.getBody());
    }
  }

  static void languages(User hoojo, User jojo, Options options, Checks checks) {
    Message message = new Message("jojo@" + options.serverName(), Type.normal);
    message.setSubject("subject");
    message.setBody("hello");
    message.addBody("zh", "你好");
    hoojo.connection.sendPacket(message);
    Message got = jojo.nextMessage("jojo gets both languages");
    checks.equal("default body", "hello", got.getBody());
    checks.equal("body in Chinese", "你好", got.getBody("zh"));
    checks.equal("number of bodies", 2, got.getBodies().size());
    checks.equal("subject", "subject", got.getSubject());
    checks.equal("languages", Set.of("zh"), new TreeSet<>(got.getBodyLanguages()));
  }

  static void leaveNote(User hoojo, Options options, Checks checks) {
    Message note = new Message("jojo@" + options.serverName(), Type.chat);
    note.setBody(NOTE);
    note.setProperty("color", "red");
    hoojo.connection.sendPacket(note);
    // Answered after the note was taken, so what follows cannot overtake it.
    hoojo.ask("answer after the note", new Session());
    checks.ok("a message to somebody who is away is sent");
  }

  static void findNote(User jojo, Options options, Checks checks) {
    Message note = jojo.nextMessage("jojo finds the message that waited");
    checks.equal("body of the message that waited", NOTE, note.getBody());
    checks.equal("sender of the message that waited", "hoojo@" + options.service() + "/Smack", note.getFrom());
    checks.equal("property of the message that waited", "red", note.getProperty("color"));
    PacketExtension delay = note.getExtension("delay", "urn:xmpp:delay");
    long age = delay instanceof DelayInformation info ? System.currentTimeMillis() - info.getStamp().getTime() : -1;
    if (options.peer()) {
      return;
    }
    // Whole seconds or milliseconds; the library takes microseconds for very many milliseconds.
    checks.that("age of the message that waited", delay != null && Math.abs(age) < User.LIMIT_MS,
        "under " + User.LIMIT_MS + " ms", age);
  }
}

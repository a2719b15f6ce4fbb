// The ProtobufUtil of a Flutter app, line by line, with the schema that it has.
import protobuf from "protobufjs";

const root = await protobuf.load(new URL("socket.message.proto", import.meta.url).pathname);
export const Message = root.lookupType("socket.Message");
export const AckMessage = root.lookupType("socket.AckMessage");

const MESSAGE_HEADER_LEN = 2;

export class ProtobufUtil {
  static encode(type, content) {
    const data = new DataView(new ArrayBuffer(MESSAGE_HEADER_LEN));
    data.setUint16(0, type, true);
    const msg = [...new Uint8Array(data.buffer), ...content.constructor.encode(content).finish()];
    return msg;
  }

  static decode(data) {
    const int8Data = Int8Array.from(data);
    const contentTypeInt8Data = int8Data.slice(0, MESSAGE_HEADER_LEN);
    const contentInt8Data = int8Data.slice(MESSAGE_HEADER_LEN, int8Data.length);
    const contentType = contentTypeInt8Data.at(0);

    let content = null;
    switch (contentType) {
      case 10:
        content = AckMessage.decode(Uint8Array.from(contentInt8Data));
        break;
      case 11:
        content = Message.decode(Uint8Array.from(contentInt8Data));
        break;
    }

    let decodedMsg = null;
    if (contentType != null && content != null) {
      decodedMsg = { contentType: contentType, content: content };
    }
    return decodedMsg;
  }
}

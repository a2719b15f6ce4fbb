package anser.upload;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.commons.fileupload.FileItem;
import org.apache.commons.fileupload.FileUpload;
import org.apache.commons.fileupload.FileUploadException;
import org.apache.commons.fileupload.InvalidFileNameException;
import org.apache.commons.fileupload.UploadContext;
import org.apache.commons.fileupload.disk.DiskFileItemFactory;

/** Items [BODY TYPE CHARSET]...: the items of each form as lines of JSON, then "end". */
public final class Items {
  private record Request(byte[] body, String type) implements UploadContext {
    @Override
    public String getCharacterEncoding() {
      return null;
    }

    @Override
    public String getContentType() {
      return type;
    }

    @Override
    @Deprecated
    public int getContentLength() {
      return body.length;
    }

    @Override
    public long contentLength() {
      return body.length;
    }

    @Override
    public InputStream getInputStream() {
      return new java.io.ByteArrayInputStream(body);
    }
  }

  private static String quoted(String text) {
    if (text == null) return "null";
    StringBuilder out = new StringBuilder("\"");
    text.codePoints()
        .forEach(
            c -> {
              if (c == '"' || c == '\\') out.append('\\');
              if (c < 0x20) out.append(String.format("\\u%04x", c));
              else out.appendCodePoint(c);
            });
    return out.append('"').toString();
  }

  private static void print(PrintStream out, Request request, String charset) throws IOException {
    FileUpload upload = new FileUpload(new DiskFileItemFactory());
    if (!charset.isEmpty()) upload.setHeaderEncoding(charset);
    try {
      for (FileItem item : upload.parseRequest(request)) {
        String text = charset.isEmpty() ? item.getString() : item.getString(charset);
        out.printf(
            "{\"field\": %s, \"file\": %s, \"type\": %s, \"size\": %d, \"text\": %s, \"bytes\": \"%s\"}%n",
            quoted(item.getFieldName()),
            quoted(item.getName()),
            quoted(item.getContentType()),
            item.getSize(),
            quoted(text),
            HexFormat.of().formatHex(item.get()));
        item.delete();
      }
    } catch (FileUploadException | InvalidFileNameException e) {
      out.printf("{\"error\": %s}%n", quoted(String.valueOf(e.getMessage())));
    }
  }

  public static void main(String[] arguments) throws IOException {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (int at = 0; at < arguments.length; at += 3) {
      byte[] body = Files.readAllBytes(Path.of(arguments[at]));
      print(out, new Request(body, arguments[at + 1]), arguments[at + 2]);
      out.println("end");
    }
    out.flush();
  }

  private Items() {}
}

"""The servers that script/bench upload measures: Anser, and nginx as Debian packages it, which writes each body into a
file (client_body_in_file_only) and asks an upstream, itself, that answers without having seen it."""

import http.client
import json
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from servers import Anser, BenchError, Process, Server, free_port

TICKS = 100  # of /proc/PID/stat in a second: USER_HZ, the same on every Linux that Debian has


def children_of(pid):
    for folder in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in folder.read_text().split():
            yield int(child)
            yield from children_of(int(child))


class FileServer(Server):
    """How much CPU its processes have taken, and how much memory at most."""

    form_path = "/upload"
    raw_path = "/uploads?name=bench.bin"

    def pids(self):
        return [self.process.pid, *children_of(self.process.pid)]

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(words[11]) + int(words[12])
        return ticks / TICKS

    def peak_bytes(self):
        kilobytes = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    kilobytes += int(line.split()[1])
        return kilobytes * 1024

    def forget_peak(self):
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def forget(self, answer):
        """What was just sent is no longer needed."""


class FilesAnser(FileServer, Anser):
    name = "Anser"

    def __init__(self, work, profile):
        super().__init__(work, profile, None)
        self.xmpp_port = free_port()

    def write_config(self):
        text = (Path(__file__).parent / "upload.toml").read_text()
        written = tomllib.loads(text)
        for (address,), port in ((written["http"]["listen"], self.port), (written["xmpp"]["listen"], self.xmpp_port)):
            text = text.replace(address, f"127.0.0.1:{port}")
        config = self.folder / "anser.toml"
        config.write_text(text)
        return ["--config", config, "--data", self.data]

    def forget(self, answer):
        said = json.loads(answer)
        for file in said.get("files", [said]):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("DELETE", urlsplit(file["delete_url"]).path)
            status = connection.getresponse().status
            connection.close()
            if status != 204:
                raise BenchError(f"a file could not be deleted: {status}")


NGINX = """\
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {data}/bodies;
  proxy_temp_path {data}/proxied;
  fastcgi_temp_path {data}/fastcgi;
  uwsgi_temp_path {data}/uwsgi;
  scgi_temp_path {data}/scgi;
  client_max_body_size 0;
  upstream behind {{ server 127.0.0.1:{behind}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      client_body_in_file_only clean;
      {more}
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header X-File $request_body_file;
    }}
  }}
  server {{
    listen 127.0.0.1:{behind};
    return 201;
  }}
}}
"""


class Nginx(FileServer):
    name = "nginx"
    more = ""

    def __init__(self, work, profile):
        super().__init__(work, profile, None)
        self.behind = free_port()

    def spawn(self):
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, data=self.data, port=self.port, behind=self.behind, more=self.more))
        # Its workers are somebody else's when root starts it, and write into the folder.
        for folder in (self.folder, self.data):
            folder.chmod(0o777)
        return Process(["/usr/sbin/nginx", "-c", config, "-p", self.folder], self.folder)


class NginxTuned(Nginx):
    """With a larger buffer than the 16 KB that it has by itself."""

    name = "nginx-128k"
    more = "client_body_buffer_size 128k;"


KINDS = (FilesAnser, Nginx, NginxTuned)

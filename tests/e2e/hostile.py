"""Requests that nobody should send, drawn from a seed."""

import gzip
import hashlib
import hmac
import random
import zlib
from collections.abc import Callable
from functools import cache
from urllib.parse import quote_from_bytes

APP_SECRET = b"sim-app-secret"
HOST = b"host: leads.example.com\r\n"
NOTICE = (
    b'{"object":"page","entry":[{"id":"138124712925158","time":1630087927,"changes":[{"value":{"form_id":"1",'
    b'"leadgen_id":"%d","created_time":1630087926,"page_id":"138124712925158"},"field":"leadgen"}]}]}'
)

Draw = Callable[[random.Random], bytes]


def request(line: bytes, *headers: bytes, body: bytes = b"", length: bool = True) -> bytes:
    own = (b"content-length: %d" % len(body),) if length else ()
    return line + b" HTTP/1.1\r\n" + HOST + b"".join(header + b"\r\n" for header in (*headers, *own)) + b"\r\n" + body


def signature(body: bytes) -> bytes:
    return b"x-hub-signature-256: sha256=" + hmac.new(APP_SECRET, body, hashlib.sha256).hexdigest().encode()


def good(chance: random.Random) -> bytes:
    """A push that Meta might send; its answer must be 200."""
    body = NOTICE % chance.getrandbits(60)
    return request(b"POST /webhooks/meta", signature(body), b"content-type: application/json", body=body)


def _framing(chance: random.Random) -> bytes:
    body = b"5\r\nhello\r\n0\r\n\r\n"
    lengths = [
        b"content-length: " + value
        for value in (b"0", b"5", b"+5", b"-1", b"0x5", b"5 5", b"5,5", b"", b" 5", b"9" * 30)
    ]
    codings = [
        b"transfer-encoding: " + value
        for value in (
            b"chunked",
            b"Chunked",
            b"xchunked",
            b"chunked, identity",
            b"identity",
            b"chunked, chunked",
            b"\x0bchunked",
        )
    ]
    odd = [
        b"transfer-encoding : chunked",
        b"transfer-encoding:\r\n chunked",
        b"content-length\t: 5",
        b"content-length: 5\rx: y",
    ]
    headers = chance.sample(lengths + codings + odd, chance.randint(1, 3))
    return request(b"POST /webhooks/meta", *headers, body=body + b"GET / HTTP/1.1\r\n\r\n", length=False)


def _chunks(chance: random.Random) -> bytes:
    body = chance.choice(
        [
            b"5\r\nhello0\r\n\r\n",
            b"5;a=b\r\nhello\r\n0\r\n\r\n",
            b"ffffffffffffffff\r\nx",
            b"fffffffffffffffffff\r\nx",
            b"-5\r\nhello\r\n0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"5\nhello\n0\n\n",
            b"\r\n",
            b"5\r\nhello\r\n0\r\nx-late: 1\r\n\r\n",
            b"1;" + b"x" * 20_000 + b"\r\nx\r\n0\r\n\r\n",
        ]
    )
    return request(b"POST /webhooks/meta", b"transfer-encoding: chunked", body=body, length=False)


def _headers(chance: random.Random) -> bytes:
    odd = [
        b"x-a: b\r c",
        b"x-a: b\n c",
        b"x-a: \x00",
        b"x a: b",
        b": b",
        b"x-a",
        b" x-a: b",
        b"x-\xff: \xff\xfe",
        b"x-a: " + b"y" * chance.choice([10, 9_000, 70_000]),
        b"host: other",
        b"expect: 100-continue",
        b"upgrade: websocket\r\nconnection: upgrade",
        b"upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA",
        b"connection: close, keep-alive, x",
        b"content-type: " + bytes(chance.choices(range(32, 255), k=40)),
        *[b"x-%d: y" % number for number in range(chance.choice([1, 200]))],
    ]
    body = NOTICE % 1
    return request(b"POST /webhooks/meta", *chance.sample(odd, 3), signature(body), body=body)


def _signatures(chance: random.Random) -> bytes:
    body = NOTICE % 1
    right = signature(body)
    wrong = chance.choice(
        [
            (right.upper(),),
            (right[:-1],),
            (right + b"0",),
            (right, right),
            (b"x-hub-signature-256: ",),
            (b"x-hub-signature-256: sha256=\xc3\xa4\xff",),
            (b"x-hub-signature-256: sha256=" + b"a" * 10_000,),
            (b"x-hub-signature: sha1=" + b"0" * 40,),
            (b"x-hub-signature-256: sha256=" + bytes(chance.choices(range(33, 255), k=64)),),
        ]
    )
    return request(b"POST /webhooks/meta", *wrong, body=body)


def _standard(chance: random.Random) -> bytes:
    number = chance.choice([b"msg_1", b"a.b.c", b"", b"\xff", b"x" * 5_000])
    moment = chance.choice([b"1614265330", b"NaN", b"1e9", b"-1", b"9" * 400, b"0x10", b"\xb2", b" 1 "])
    signed = chance.choice([b"v1,AAAA", b"v1," * 200, b"v2,x v1,====", b"v1,\xff", b"", b"v1a,AAAA"])
    return request(
        b"POST /webhooks/site",
        b"webhook-id: " + number,
        b"webhook-timestamp: " + moment,
        b"webhook-signature: " + signed,
        body=_json(chance),
    )


def _json(chance: random.Random) -> bytes:
    return chance.choice(
        [
            b"[" * 100_000,
            b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
            b'{"entry":' * 900 + b"1" + b"}" * 900,
            b'{"entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":' + b"9" * 5_000 + b"}}]}]}",
            b'{"object":"page","entry":[{"id":NaN,"time":1e999}]}',
            b'{"a":"\\ud800","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":"\\ud800"}}]}]}',
            b'{"a":1,"a":2,"entry":null,"entry":[]}',
            b"\xef\xbb\xbf{}",
            '{"a":1}'.encode("utf-16"),
            b'{"a":"\xff\xfe"}',
            b'{"a":"\\u0000","b":"\x00"}',
            b'{"' + b"k" * 500_000 + b'":1}',
            b"",
            b"null",
            b"0",
            b'"x"',
            bytes(chance.choices(range(256), k=chance.randint(1, 2_000))),
        ]
    )


def _signed_poison(chance: random.Random) -> bytes:
    body = _json(chance)
    return request(b"POST /webhooks/meta", signature(body), body=body)


def _forms(chance: random.Random) -> bytes:
    name = chance.choice([b"open", b"calls"])
    kind = chance.choice(
        [
            b"application/x-www-form-urlencoded",
            b"multipart/form-data; boundary=x",
            b"multipart/form-data",
            b"text/plain",
        ]
    )
    body = chance.choice(
        [b"a=%ff%00&b[]=1&" * 500, b"--x\r\nContent-Disposition: form-data\r\n\r\n", b"--x--", b"&&&===", _json(chance)]
    )
    return request(b"POST /webhooks/" + name + b"?token=sim-token", b"content-type: " + kind, body=body)


@cache
def bomb(encoding: str, size: int, layers: int = 1) -> bytes:
    body = b"0" * size
    for _ in range(layers):
        body = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    return body


def _encodings(chance: random.Random) -> bytes:
    plain = NOTICE % 1
    name, body = chance.choice(
        [
            (b"gzip", bomb("gzip", 20_000_000)),
            (b"deflate", bomb("deflate", 20_000_000)),
            (b"gzip", bomb("gzip", 5_000_000, 2)),
            (b"gzip", gzip.compress(plain)[: chance.randint(1, 60)]),
            (b"gzip", gzip.compress(plain) * 50),
            (b"gzip, gzip", gzip.compress(gzip.compress(plain))),
            (b"br", plain),
            (b"zstd", plain),
            (b"\xff", plain),
            (b"gzip", bytes(chance.choices(range(256), k=200))),
            (b"deflate", bytes(chance.choices(range(256), k=200))),
            (b"", plain),
        ]
    )
    sign = chance.choice([signature(body), signature(plain), b"x-a: b"])
    return request(b"POST /webhooks/meta", b"content-encoding: " + name, sign, body=body)


def _paths(chance: random.Random) -> bytes:
    path = chance.choice(
        [
            b"/webhooks/",
            b"/webhooks/meta/../site",
            b"/webhooks/%2e%2e/%2e%2e/etc/passwd",
            b"/webhooks/meta%00",
            b"/webhooks/m\xc3\xa9ta",
            b"//webhooks/meta",
            b"/webhooks//meta",
            b"/WEBHOOKS/meta",
            b"/webhooks/meta;x=1",
            b"/webhooks/meta#x",
            b"/webhooks/" + b"x" * 9_000,
            b"/webhooks/" + quote_from_bytes(bytes(chance.choices(range(256), k=30)), safe="").encode(),
            b"/webhooks/meta?" + bytes(chance.choices(range(33, 127), k=200)),
            b"http://127.0.0.1/webhooks/meta",
            b"*",
            b"",
            b"webhooks/meta",
            b"/webhooks/meta?hub.mode=subscribe&hub.verify_token=x&hub.challenge=" + b"9" * 1_000,
            b"/webhooks/meta?hub.mode=subscribe&hub.verify_token=%ff&hub.verify_token=y",
            b"/webhooks/calls?token=%ff%00&uuid=\xff",
        ]
    )
    method = chance.choice(
        [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"G\x00T", b"PROPFIND", b"X" * 300]
    )
    return request(method + b" " + path)


def _damaged(chance: random.Random) -> bytes:
    whole = bytearray(good(chance))
    for _ in range(chance.randint(1, 8)):
        where = chance.randrange(len(whole))
        deed = chance.randrange(3)
        if deed == 0:
            whole[where] = chance.randrange(256)
        elif deed == 1:
            del whole[where : where + chance.randint(1, 20)]
        else:
            whole[where:where] = bytes(chance.choices(range(256), k=chance.randint(1, 20)))
    return bytes(whole)


def _noise(chance: random.Random) -> bytes:
    return bytes(chance.choices(range(256), k=chance.randint(1, 3_000)))


def _large(chance: random.Random) -> bytes:
    size = chance.choice([999_999, 1_048_577, 1_200_000])
    if chance.random() < 0.5:
        return request(b"POST /webhooks/meta", body=b"x" * size)
    body = b"".join(b"%x\r\n%b\r\n" % (60_000, b"x" * 60_000) for _ in range(size // 60_000 + 2)) + b"0\r\n\r\n"
    return request(b"POST /webhooks/meta", b"transfer-encoding: chunked", body=body, length=False)


KINDS: tuple[Draw, ...] = (
    _framing,
    _chunks,
    _headers,
    _signatures,
    _standard,
    _signed_poison,
    _forms,
    _encodings,
    _paths,
    _damaged,
    _noise,
    _large,
)

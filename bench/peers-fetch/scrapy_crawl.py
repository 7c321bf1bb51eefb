# Scrapy over a list of URLs, with the light extraction of bench:fetch. Started by
# bench/support/peer-process.ts; the last line of its standard output is one JSON object.

import argparse
import json
import re
import resource
import sys
import time
from pathlib import Path

import scrapy
from scrapy.crawler import CrawlerRunner
from scrapy.utils.log import configure_logging
from twisted.internet import defer, reactor

PATTERNS = json.loads((Path(__file__).parent / "patterns.json").read_text())
EMAIL = re.compile(PATTERNS["email"], re.ASCII)
PHONE = re.compile(PATTERNS["phone"], re.ASCII)


class Contacts(scrapy.Spider):
    name = "contacts"

    def __init__(self, urls, tally, **rest):
        super().__init__(**rest)
        self.urls = urls
        self.tally = tally

    def start_requests(self):
        # The requests of `start_urls` are made with dont_filter, and a second start does them all
        # again. These are filtered by what the job directory has seen.
        for url in self.urls:
            yield scrapy.Request(url, errback=self.failed)

    def parse(self, response):
        html = response.text
        self.tally["done"] += 1
        yield {
            "url": response.request.url,
            "emails": " ".join(dict.fromkeys(EMAIL.findall(html))),
            "phones": " ".join(dict.fromkeys(PHONE.findall(html))),
        }

    def failed(self, _failure):
        self.tally["failed"] += 1


def settings_of(concurrency, directory, is_kept):
    settings = {
        "CONCURRENT_REQUESTS": concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
        "COOKIES_ENABLED": False,
        "LOG_LEVEL": "CRITICAL",
        # Others do not follow it, and all are to do the same pages.
        "METAREFRESH_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "FEEDS": {str(directory / "results.jsonl"): {"format": "jsonlines", "overwrite": False}},
    }
    if is_kept:
        settings["JOBDIR"] = str(directory / "job")
    return settings


def lines_of(path):
    return [line for line in Path(path).read_text().split("\n") if line] if path else []


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@defer.inlineCallbacks
def crawl_all(options, answer):
    directory = Path(options.directory)

    def crawl(urls, place, tally):
        runner = CrawlerRunner(settings_of(options.concurrency, place, options.storage == "disk"))
        return runner.crawl(Contacts, urls=urls, tally=tally)

    warm_up = lines_of(options.warm_up)
    if warm_up:
        yield crawl(warm_up, directory / "warm-up", {"done": 0, "failed": 0})
    tally = {"done": 0, "failed": 0}
    cpu_before, started = cpu_seconds(), time.monotonic()
    yield crawl(lines_of(options.urls), directory, tally)
    answer.update(
        tally,
        seconds=time.monotonic() - started,
        cpuSeconds=cpu_seconds() - cpu_before,
        peakBytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    reactor.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--urls", required=True)
    parser.add_argument("--warm-up", default="")
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--storage", choices=["memory", "disk"], default="disk")
    parser.add_argument("--directory", required=True)
    options = parser.parse_args()
    configure_logging({"LOG_LEVEL": "CRITICAL"})
    answer = {}
    crawl_all(options, answer).addErrback(lambda failure: (failure.printTraceback(), reactor.stop()))
    reactor.run()
    if not answer:
        sys.exit(1)
    print(json.dumps(answer))


main()

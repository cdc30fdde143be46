# Ringfence in production: web, worker and timetable are this one image with different commands.
FROM python:3.13-slim AS packages
COPY requirements-runtime.lock .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-runtime.lock

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home ringfence
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER ringfence
EXPOSE 8000
# Whatever address the public one is, a probe from inside asks for a host we answer to.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import Request, urlopen; from config import env; urlopen(Request('http://127.0.0.1:8000/healthz', headers={'Host': env.read().allowed_hosts[0].lstrip('.')}), timeout=2)"]
# A shell only to put the numbers in; exec so that granian gets the signal to stop.
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port 8000 --workers ${WEB_WORKERS:-2} --blocking-threads ${WEB_THREADS:-4} config.wsgi:application"]

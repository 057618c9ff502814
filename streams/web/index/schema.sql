-- The inspector's index. A change here goes with a new VERSION in `file.py`: files of another
-- version are made again from the topics.

CREATE TABLE IF NOT EXISTS items (
  content_id TEXT PRIMARY KEY,
  changed_ms INTEGER NOT NULL,  -- when the brokers took the newest record about it
  event_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  language TEXT,
  title TEXT,
  has_audio INTEGER,            -- null while only signals are known of it
  has_texts INTEGER,
  record TEXT                   -- the newest event as JSON, without inline bytes
);
CREATE INDEX IF NOT EXISTS items_by_change ON items (changed_ms DESC, content_id);

CREATE TABLE IF NOT EXISTS signals (
  content_id TEXT NOT NULL, topic TEXT NOT NULL, signal TEXT NOT NULL, outcome TEXT NOT NULL,
  produced_ms INTEGER NOT NULL, signal_id TEXT NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (content_id, topic)
);
CREATE INDEX IF NOT EXISTS signals_by_outcome ON signals (signal, outcome);

CREATE TABLE IF NOT EXISTS labels (
  content_id TEXT NOT NULL, topic TEXT NOT NULL, signal TEXT NOT NULL,
  label TEXT NOT NULL, score REAL, held INTEGER NOT NULL  -- over its threshold
);
CREATE INDEX IF NOT EXISTS labels_by_label ON labels (label, score);
CREATE INDEX IF NOT EXISTS labels_by_item ON labels (content_id, topic);

CREATE TABLE IF NOT EXISTS history (
  number INTEGER PRIMARY KEY, content_id TEXT NOT NULL, signal TEXT NOT NULL, topic TEXT NOT NULL,
  partition INTEGER NOT NULL, offset INTEGER NOT NULL, produced_ms INTEGER NOT NULL,
  value TEXT NOT NULL, UNIQUE (topic, partition, offset)
);
CREATE INDEX IF NOT EXISTS history_by_item ON history (content_id, signal, produced_ms);

CREATE TABLE IF NOT EXISTS vectors (
  content_id TEXT NOT NULL, topic TEXT NOT NULL, field TEXT NOT NULL, model TEXT NOT NULL,
  vector BLOB NOT NULL,  -- float32, little endian
  PRIMARY KEY (content_id, topic, field)
);
CREATE INDEX IF NOT EXISTS vectors_by_model ON vectors (topic, model);

CREATE TABLE IF NOT EXISTS documents (
  content_id TEXT NOT NULL, topic TEXT NOT NULL, name TEXT NOT NULL,
  produced_ms INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (content_id, topic, name)
);

-- texts and transcripts as they are shown: personal data is masked before it comes here
CREATE TABLE IF NOT EXISTS passages (
  number INTEGER PRIMARY KEY, content_id TEXT NOT NULL, field TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_by_item ON passages (content_id);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
  text, content = 'passages', content_rowid = 'number',
  tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER IF NOT EXISTS passage_put AFTER INSERT ON passages BEGIN
  INSERT INTO words (rowid, text) VALUES (new.number, new.text);
END;
CREATE TRIGGER IF NOT EXISTS passage_gone AFTER DELETE ON passages BEGIN
  INSERT INTO words (words, rowid, text) VALUES ('delete', old.number, old.text);
END;

CREATE TABLE IF NOT EXISTS rejections (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
  arrived_ms INTEGER NOT NULL, rejection_class TEXT NOT NULL, fault TEXT NOT NULL,
  message TEXT NOT NULL, content_id TEXT,
  source_topic TEXT, source_partition INTEGER, source_offset INTEGER,
  PRIMARY KEY (topic, partition, offset)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rejections_in_time ON rejections (arrived_ms);
CREATE INDEX IF NOT EXISTS rejections_of_item ON rejections (content_id);

CREATE TABLE IF NOT EXISTS letters (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
  arrived_ms INTEGER NOT NULL, rejection_class TEXT NOT NULL, message TEXT NOT NULL,
  attempt INTEGER NOT NULL, size_bytes INTEGER NOT NULL, content_id TEXT,
  source_topic TEXT, source_partition INTEGER, source_offset INTEGER,
  PRIMARY KEY (topic, partition, offset)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS letters_in_time ON letters (arrived_ms);
CREATE INDEX IF NOT EXISTS letters_of_item ON letters (content_id);
CREATE INDEX IF NOT EXISTS letters_by_source
  ON letters (source_topic, source_partition, source_offset);

CREATE TABLE IF NOT EXISTS stats (
  signal TEXT NOT NULL, model TEXT NOT NULL, language TEXT NOT NULL, content_type TEXT NOT NULL,
  field TEXT NOT NULL, window_start INTEGER NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (signal, window_start, model, language, content_type, field)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alerts (
  alert_id TEXT PRIMARY KEY, signal TEXT NOT NULL, window_end INTEGER NOT NULL, record TEXT NOT NULL
);

-- what was made of recordings to be looked at
CREATE TABLE IF NOT EXISTS renderings (
  content_id TEXT PRIMARY KEY, source TEXT NOT NULL, used_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL, facts TEXT NOT NULL, low BLOB NOT NULL, high BLOB NOT NULL,
  level BLOB NOT NULL, mel BLOB NOT NULL
);

-- items that are gone, by a digest of their ids: what comes late of them is passed over
CREATE TABLE IF NOT EXISTS erased (
  digest BLOB PRIMARY KEY, erased_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS places (place TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

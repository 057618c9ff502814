// Words that the records use, for the filters.

export const OUTCOMES = ["OK", "ABSTAINED", "SKIPPED", "ERROR"];
export const CONTENT_TYPES = ["TRACK", "EPISODE", "AUDIOBOOK", "CHAPTER", "CLIP", "COMMENT", "LYRICS", "DESCRIPTION", "PLAYLIST", "OTHER"];

function redact(tag, ts, r)
    r["card"] = nil
    r["note"] = nil
    r["raw"] = nil
    return 2, ts, r
end

using System.Buffers.Text;
using System.Text;

namespace Loadline.Gauges;

/// <summary>What a kernel file said, with strict readers for the shapes of such files. Nothing here allocates unless it throws.</summary>
internal readonly ref struct KernelText(string path, ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Its bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>Whether the file has no line.</summary>
    public bool IsEmpty => _bytes.IsEmpty;

    /// <summary>The only number of a file like memory.current.</summary>
    public long Number => Parse(_bytes.TrimEnd((byte)'\n'), "the file"u8);

    /// <summary>The only number of a file like memory.max; null for "max".</summary>
    public long? NumberOrMax => _bytes.SequenceEqual("max\n"u8) ? null : Number;

    /// <summary>The only line of a file like comm; what is no UTF-8 in it is U+FFFD.</summary>
    public string Line => Encoding.UTF8.GetString(_bytes.TrimEnd((byte)'\n'));

    /// <summary>The number behind a key, as in "anon 4096".</summary>
    public long Field(ReadOnlySpan<byte> key) => Parse(ValueOf(key, (byte)' '), key);

    /// <summary>The number behind a key that not every kernel has; null where this one does not.</summary>
    public long? FieldIfAny(ReadOnlySpan<byte> key) => TryValueOf(key, (byte)' ', out var value) ? Parse(value, key) : null;

    /// <summary>The size behind a key, as in "RssAnon:     112 kB", where the kernel's kB are 1024 bytes.</summary>
    public long FieldInBytes(ReadOnlySpan<byte> key)
    {
        var value = ValueOf(key, (byte)':').TrimStart(" \t"u8);
        var number = value.EndsWith(" kB"u8) ? Parse(value[..^3], key) : throw Malformed(value, key);
        return number <= long.MaxValue / 1024 ? number * 1024 : throw Malformed(value, key);
    }

    /// <summary>The number behind a key, as in "read_bytes: 4096" or "PPid:	1".</summary>
    public long SizeIn(ReadOnlySpan<byte> key) => Parse(ValueOf(key, (byte)':').TrimStart(" \t"u8), key);

    /// <summary>The text behind a key, as in "Name:	python3"; what is no UTF-8 in it is U+FFFD.</summary>
    public string TextIn(ReadOnlySpan<byte> key) => Encoding.UTF8.GetString(ValueOf(key, (byte)':').TrimStart(" \t"u8));

    /// <summary>The microseconds of a line of pressure, as in "some avg10=0.00 avg60=0.00 avg300=0.00 total=4096".</summary>
    public long PressureTotal(ReadOnlySpan<byte> key)
    {
        var value = ValueOf(key, (byte)' ');
        var at = value.LastIndexOf("total="u8);
        return at >= 0 ? Parse(value[(at + "total=".Length)..], key) : throw Malformed(value, key);
    }

    /// <summary>A field of /proc/PID/stat by its number in proc(5), which counts from 1, and its name there.</summary>
    public long StatField(int number, ReadOnlySpan<byte> name)
    {
        // The second field is the program's name in brackets, which may itself hold blanks and brackets: only the last one ends it.
        var index = 2;
        var rest = _bytes[(_bytes.LastIndexOf((byte)')') + 1)..];
        foreach (var range in rest.Split((byte)' '))
        {
            if (index++ == number) return Parse(rest[range], name);
        }

        throw Missing(name);
    }

    private ReadOnlySpan<byte> ValueOf(ReadOnlySpan<byte> key, byte separator) => TryValueOf(key, separator, out var value) ? value : throw Missing(key);

    private bool TryValueOf(ReadOnlySpan<byte> key, byte separator, out ReadOnlySpan<byte> value)
    {
        value = default;
        // Searched for, not split into lines: a gauge looks for a dozen keys among sixty lines, hundreds of times a second.
        for (var from = 0; _bytes[from..].IndexOf(key) is var at and >= 0; from += at + 1)
        {
            var (start, end) = (from + at, from + at + key.Length);
            if ((start > 0 && _bytes[start - 1] != '\n') || end >= _bytes.Length || _bytes[end] != separator) continue;
            var rest = _bytes[(end + 1)..];
            value = rest.IndexOf((byte)'\n') is var length and >= 0 ? rest[..length] : rest;
            return true;
        }

        return false;
    }

    private long Parse(ReadOnlySpan<byte> digits, ReadOnlySpan<byte> key) =>
        !digits.StartsWith("-"u8) && Utf8Parser.TryParse(digits, out long number, out var used) && used == digits.Length
            ? number
            : throw Malformed(digits, key);

    private GaugeException Missing(ReadOnlySpan<byte> key) =>
        new(path, $"has no field '{Encoding.UTF8.GetString(key)}': this kernel does not keep it, or the file is not the kernel's");

    private GaugeException Malformed(ReadOnlySpan<byte> value, ReadOnlySpan<byte> key)
    {
        var start = Encoding.UTF8.GetString(value[..Math.Min(value.Length, 40)]);
        return new(path, $"{Encoding.UTF8.GetString(key)} reads '{start}', expected a size or a count");
    }
}

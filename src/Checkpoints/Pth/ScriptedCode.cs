using System.Text;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Zip;

namespace Loadline.Checkpoints.Pth;

/// <summary>
/// The code of a TorchScript archive, of which two things are asked: which of its classes make their tensors themselves from what the pickle holds, as those of
/// quantized layers do, and which are enumerations. Source: torch/csrc/jit/serialization/import.cpp of PyTorch 2.6.
/// </summary>
internal sealed class ScriptedCode
{
    private const string Folder = "code/";
    private const string Extension = ".py";
    private const int MaxBytes = 8 << 20;
    private const int StepsPerLine = 6;

    // Two reads, whatever is in it.
    private const int StepsPerRecord = 250;

    // PyTorch finds a record in any case.
    private readonly HashSet<string> _withState = new(StringComparer.OrdinalIgnoreCase);

    private ScriptedCode() { }

    /// <summary>The whole names of classes with a <c>__setstate__</c>, as in <c>__torch__.nets.Net</c>.</summary>
    public IReadOnlySet<string> ClassesWithState => _withState;

    /// <summary>Its enumerations.</summary>
    public ScriptedEnumerations Enumerations { get; } = new();

    /// <summary>Reads an archive's code; null where it is not such as PyTorch prints, and any class may make its tensors.</summary>
    /// <exception cref="CheckpointException">A record of code is longer than any, or all together are; or enumerations may stand where nobody prints them.</exception>
    public static ScriptedCode? Read(SourceFile file, ZipDirectory zip)
    {
        var (code, isPrinted, mayHaveEnumerations) = (new ScriptedCode(), true, false);
        foreach (var record in zip.Records)
        {
            if (!record.Name.StartsWith(Folder, StringComparison.OrdinalIgnoreCase) || !record.Name.EndsWith(Extension, StringComparison.OrdinalIgnoreCase)) continue;
            file.Ledger.Read(Math.Min(record.Bytes, InflatingReads.HonestRatio * Math.Min(record.CompressedBytes, MaxBytes)));
            file.Ledger.Work(record.Method == ZipFormat.Stored ? record.Bytes : Math.Max(record.Bytes, InflatingReads.HonestRatio * Math.Min(record.CompressedBytes, MaxBytes)));
            file.Ledger.Work(StepsPerRecord);
            file.Ledger.Charge(record.Bytes);
            ReadOnlySpan<byte> lines = zip.ReadAll(record, MaxBytes);
            mayHaveEnumerations |= lines.IndexOf("Enum"u8) >= 0;
            isPrinted &= code.TryFind(lines, record.Name[Folder.Length..^Extension.Length].Replace('/', '.'), file.Ledger)
                && record.Name.StartsWith(Folder + "__torch__", StringComparison.Ordinal) && record.Name.EndsWith(Extension, StringComparison.Ordinal);
            file.Ledger.Refund(record.Bytes);
        }

        if (isPrinted) return code;
        if (mayHaveEnumerations) throw file.Refuse(CheckpointError.Malformed, "is an archive of TorchScript whose code is not as PyTorch prints it and may have enumerations, by which libtorch would read another pickle");
        return null;
    }

    private bool TryFind(ReadOnlySpan<byte> code, string module, Ledger ledger)
    {
        var states = code.Count("__setstate__"u8);
        if (states == 0 && code.IndexOf("Enum"u8) < 0) return true;
        // A text of several lines could hold what looks like code, and a line that goes on in the next one as well.
        if (code.IndexOf("\"\"\""u8) >= 0 || code.IndexOf("'''"u8) >= 0) return false;
        ReadOnlySpan<byte> name = [];
        string? enumeration = null;
        foreach (var range in code.Split((byte)'\n'))
        {
            var line = code[range];
            ledger.Work(StepsPerLine);
            if (line.TrimEnd(" \t\f\v\r"u8) is [.., (byte)'\\']) return false;
            if (line.StartsWith("  def __setstate__("u8) && !name.IsEmpty)
            {
                _withState.Add(Whole(module, name, ledger));
                states--;
                // One more would be of no class.
                name = [];
            }
            else if (line.Trim(" \t\f\v\r"u8) is [(byte)'c', (byte)'l', (byte)'a', (byte)'s', (byte)'s', .. var rest] && !(rest is [var next, ..] && IsOfName(next)))
            {
                // What is no name is told from it otherwise elsewhere: libtorch passes over a carriage return, and over a comment.
                if (!line.StartsWith("class "u8) || NameOf(line["class ".Length..]) is not { IsEmpty: false } named) return false;
                name = named;
                enumeration = line.EndsWith("(Enum):"u8) ? Whole(module, name, ledger) : null;
                if (enumeration is null ? !IsOfOtherKind(line) : !Enumerations.TryAdd(enumeration, ledger)) return false;
            }
            // A function behind it.
            else if (line is [not (byte)' ', ..])
            {
                name = [];
                enumeration = null;
            }
            else if (enumeration is not null && !line.IsEmpty && !Enumerations.TryAddMember(enumeration, line, ledger)) return false;
        }

        return states == 0;
    }

    private static string Whole(string module, ReadOnlySpan<byte> name, Ledger ledger)
    {
        ledger.Work((module.Length + name.Length) / 8);
        ledger.Charge(MemorySize.OfText(module.Length + name.Length));
        return $"{module}.{Encoding.UTF8.GetString(name)}";
    }

    // What stands in the parentheses is an identifier, and in them nothing else that is passed over.
    private static bool IsOfOtherKind(ReadOnlySpan<byte> line)
    {
        if (line.IndexOf((byte)'(') is not (> 0 and var open)) return true;
        return line is [.., (byte)')', (byte)':'] && IsName(line[(open + 1)..^2]);
    }

    // PyTorch prints a class of its own kinds as NAME(KIND): and any other as NAME:, where the line ends.
    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> declared)
    {
        var end = declared.IndexOf((byte)'(');
        if (end < 0 && declared is [.., (byte)':']) end = declared.Length - 1;
        return end > 0 && IsName(declared[..end]) ? declared[..end] : [];
    }

    /// <summary>Whether it is an identifier of ASCII.</summary>
    public static bool IsName(ReadOnlySpan<byte> text)
    {
        if (text is [] or [>= (byte)'0' and <= (byte)'9', ..]) return false;
        foreach (var letter in text)
        {
            if (letter > 0x7f || !IsOfName(letter)) return false;
        }

        return true;
    }

    // As of a variable that is called classes.
    private static bool IsOfName(byte next) => next is >= (byte)'a' and <= (byte)'z' or >= (byte)'A' and <= (byte)'Z' or >= (byte)'0' and <= (byte)'9' or (byte)'_' or > 0x7f;
}

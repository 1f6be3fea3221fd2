using System.Globalization;
using System.Text;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>What is no tensor, as lines of text.</summary>
internal sealed partial class StateDictWalk
{
    // Long lists of plain values (a vocabulary, a loss curve) are told in one line instead of a thousand.
    private const int MaxPlainItems = 1000;
    private const int MaxLineLength = 1 << 14;

    // More than anybody reads. What comes behind is left out; tensors are what a checkpoint is for.
    private const int MaxMetadata = 20_000;
    private const long MaxMetadataBytes = 8 * ByteSize.MiB;
    private const int BytesPerMetadata = 100;
    private const string Ellipsis = "…";
    private const string MoreValues = "(more values, which are not listed)";

    // Digits of a large integer take quadratic time.
    private const int StepsPerIntegerByte = 2;

    // The shortest digits that mean it take a while to find.
    private const int StepsPerDouble = 30;

    // A text of its own for each, and what the line takes to hold it.
    private const int StepsPerItem = 5;

    private readonly Dictionary<string, string> _metadata = [];
    private readonly Dictionary<string, int> _metadataNumbers = [];
    private long _metadataBytes;
    private bool _isMoreSaid;

    private bool IsFull => _metadata.Count >= MaxMetadata || _metadataBytes > MaxMetadataBytes;

    /// <summary>Whether a value is one more of those that are not listed: then not even its name is made.</summary>
    private bool IsLeftOut(object? value)
    {
        if (!IsFull || value is PickledTensor or PickleContainer or OpaqueValue) return false;
        ledger.Work(Ledger.StepsPerLook);
        SayMore();
        return true;
    }

    private void SayMore()
    {
        if (!_isMoreSaid) _metadata.Add(FreeName(Ellipsis), MoreValues);
        _isMoreSaid = true;
    }

    private void Note(object? value)
    {
        if (!_notesValues) return;
        if (IsFull)
        {
            SayMore();
            return;
        }

        var text = Text(value);
        // Name and text, and what prints them.
        var bytes = BytesPerMetadata + 2 * (MemorySize.OfText(_name.Length) + MemorySize.OfText(text.Length));
        ledger.Charge(bytes);
        _metadataBytes += bytes;
        _metadata.Add(FreeName(_name.ToString()), text);
    }

    // Two places may have one dotted name, and two halves of surrogate pairs are one character in all that is written: the later one is numbered, as tensors are.
    private string FreeName(string name)
    {
        if (Utf8Text.HasHalfAPair(name)) name = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name));
        return _metadata.ContainsKey(name) ? TensorNames.Numbered(name, _metadataNumbers, _metadata.ContainsKey) : name;
    }

    private void NoteClass(string text)
    {
        var length = _name.Length;
        _name.Append(length > 0 ? ".__class__" : "__class__");
        Note(text);
        _name.Length = length;
    }

    private string Key(object? key) => key is long or string ? PythonText.Print(key)! : key is PickleTuple tuple ? $"({Join(tuple)})" : Text(key);

    private bool IsLongAndPlain(PickleContainer container)
    {
        if (container.Count <= MaxPlainItems) return false;
        // Whoever shares a long list a thousand times makes us look through it a thousand times.
        ledger.Work(Ledger.StepsPerLook * (long)container.Count);
        for (var run = 0; run < container.RunCount; run++)
        {
            foreach (var item in container.Run(run))
            {
                if (item is PickledTensor or PickleContainer or OpaqueValue) return false;
            }
        }

        return true;
    }

    private string Text(object? value) => value switch
    {
        System.Numerics.BigInteger integer => Large(integer),
        Python2String old => Old(old),
        PickleTuple { Count: 0 } => "()",
        PickleList { Count: 0 } => "[]",
        PickleDictionary { Count: 0 } => "{}",
        PickleDictionary dictionary => $"({dictionary.Count / 2} values)",
        PickleTuple or PickleList => $"({((PickleContainer)value).Count} values)",
        PickleSet set => "{" + Join(set) + "}",
        NumpyArray array => $"(a NumPy array of {array.Type?.Code ?? "nothing"}, {Shapes.Format(array.Shape.AsSpan())})",
        OpaqueValue opaque => OpaqueText(opaque),
        PickledTensor => "(a tensor)",
        double number => Number(number),
        PickleComplex complex => Number(complex),
        _ => PythonText.Print(value) ?? "(unknown)",
    };

    private string Large(System.Numerics.BigInteger integer)
    {
        ledger.Work((long)StepsPerIntegerByte * integer.GetByteCount());
        return PythonText.Print(integer)!;
    }

    private string Number(object number)
    {
        ledger.Work(2 * StepsPerDouble);
        return PythonText.Print(number)!;
    }

    private string Old(Python2String old)
    {
        if (!old.IsDecoded)
        {
            ledger.Charge(MemorySize.OfText(old.Bytes.Length));
            ledger.Work(old.Bytes.Length / 8);
        }

        return old.Text;
    }

    /// <summary>A class with its arguments where these are few and plain: a path, a version, a date, a member of an enumeration.</summary>
    private string OpaqueText(OpaqueValue opaque)
    {
        var name = opaque.Name.StartsWith("builtins.", StringComparison.Ordinal) ? opaque.Name["builtins.".Length..] : opaque.Name;
        if (opaque.Arguments.Count is 0 or > 8) return $"({name})";
        var text = Join(opaque.Arguments);
        return name switch
        {
            "torch.torch_version.TorchVersion" => text,
            _ when name.StartsWith("pathlib.", StringComparison.Ordinal) => Joined(opaque.Arguments, "/").Replace("//", "/", StringComparison.Ordinal),
            _ => $"{name}({text})",
        };
    }

    private string Join(PickleContainer container) => Joined(container, ", ");

    /// <summary>The items in a line. One small pickle can hold the same text a million times: the line ends where it is long enough.</summary>
    private string Joined(PickleContainer container, string separator)
    {
        var line = new StringBuilder();
        var items = container.Run(0);
        for (var i = 0; i < container.Count; i++)
        {
            ledger.Work(StepsPerItem);
            if (i > 0) line.Append(separator);
            // A run is longer than any line that somebody reads.
            var text = i >= Math.Min(items.Length, MaxPlainItems) ? null : items[i] switch
            {
                PickleContainer or OpaqueValue => "(items)",
                System.Numerics.BigInteger integer => Large(integer),
                Python2String old => Old(old),
                double or PickleComplex => Number(items[i]!),
                var item => PythonText.Print(item) ?? "(items)",
            };
            if (text is null || line.Length + text.Length > MaxLineLength) return line.Append(CultureInfo.InvariantCulture, $"… ({container.Count} values)").ToString();
            line.Append(text);
        }

        ledger.Work(line.Length / 16);
        return line.ToString();
    }
}

using System.Globalization;
using System.Numerics;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Pth;

namespace Loadline.Checkpoints.Legacy;

/// <summary>
/// Reads what <c>torch.save</c> wrote before PyTorch 1.6, and still writes when asked: pickles one after another (a magic number, the protocol's
/// version, facts about the machine, the object, the storages' keys), and behind them the storages. Source: <c>_legacy_save</c> and
/// <c>_legacy_load</c> in torch/serialization.py of PyTorch 2.6.
/// </summary>
internal static class LegacyReader
{
    private const long ProtocolVersion = 1001;

    /// <summary>Whether a file starts with the pickle of 0x1950a86a20f9469cfc6c.</summary>
    public static bool Recognises(ReadOnlySpan<byte> head)
    {
        // Protocols 0 and 1 have no opcode for an integer of this size.
        if (head.StartsWith("L119547037146038801333356L\n."u8)) return true;
        if (head is not [(byte)PickleOpcode.Proto, >= 2 and <= 5, ..]) return false;
        var pickle = head[2..];
        // Protocols 4 and 5 put the number into a frame, whose length takes 8 bytes.
        if (pickle is [(byte)PickleOpcode.Frame, _, _, _, _, _, _, _, _, ..]) pickle = pickle[9..];
        return pickle.StartsWith((ReadOnlySpan<byte>)[(byte)PickleOpcode.Long1, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);
    }

    /// <summary>
    /// Whether a file of another format starts with that pickle in a roundabout way, as one that first puts a text onto the stack which is the other format's
    /// header: PyTorch takes it for one of these.
    /// </summary>
    public static bool IsHiddenIn(SourceFile file)
    {
        // What a pickle of an integer can begin with; others have seldom one of them.
        if ("(]})NIJKLFGMXUTVSBCcP\u0080\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f\u0095\u0096".IndexOf((char)file.Head[0], StringComparison.Ordinal) < 0) return false;
        try
        {
            var ledger = file.Ledger.ForGuesses;
            using var input = new PickleInput(file, new StorageEntry(file.Path, 0, file.Length), ledger, isLook: true);
            var context = new PickleContext(file.Path, ledger);
            return IsMagic(new PickleMachine(input, context, NoStorage, isGuess: true).Run()) || context.IsHostile;
        }
        // What cannot be read is said; what is no pickle is what was hoped for.
        catch (CheckpointException e) when (e.Error is not (CheckpointError.Truncated or CheckpointError.Unreadable))
        {
            // Python has no such limits, and does what a file of such names asks for.
            return e.Error is CheckpointError.LimitExceeded or CheckpointError.ForbiddenGlobal;
        }
    }

    public static CheckpointIndex Read(SourceFile file)
    {
        var context = new PickleContext(file.Path, file.Ledger);
        using var input = new PickleInput(file, file.Ledger);
        object? ReadNext(Func<object?, object?> persistentLoad) => new PickleMachine(input, context, persistentLoad).Run();

        ReadNext(NoStorage);
        var version = ReadNext(NoStorage);
        var facts = ReadNext(NoStorage);
        context.RefuseHostile();
        CheckVersion(file, version);
        CheckByteOrder(file, facts);
        var storages = new LegacyStorages(file);
        var root = ReadNext(storages.Refer);
        var keys = ReadNext(NoStorage);
        context.RefuseHostile();
        storages.Place(keys, input.Position);
        var walk = new StateDictWalk(file.Path, file.Ledger);
        walk.Visit(root, storages.Locate);
        return new CheckpointIndex(file.Path, CheckpointFormat.Legacy, [file.Path], walk.Entries, walk.Metadata, new FileReads(file), walk.Unloadable);
    }

    // What Python computes, or finds under a name, may be it, too.
    private static bool IsMagic(object? value) => value switch
    {
        BigInteger number => number == BigInteger.Parse("119547037146038801333356", CultureInfo.InvariantCulture),
        null or bool or long or double or string or byte[] or Python2String or PickleComplex or PickleContainer => false,
        _ => true,
    };

    private static object? NoStorage(object? id) => null;

    private static void CheckVersion(SourceFile file, object? version)
    {
        if (version is not ProtocolVersion)
        {
            throw file.Refuse(CheckpointError.Unsupported, $"has protocol version {PythonText.Print(version)}: only {ProtocolVersion} is known");
        }
    }

    private static void CheckByteOrder(SourceFile file, object? facts)
    {
        if ((facts as PickleDictionary)?.Find("little_endian", file.Ledger) is not false) return;
        throw file.Refuse(
            CheckpointError.Unsupported, "was saved on a big-endian machine (little_endian False): load and save it with PyTorch on a little-endian one");
    }
}

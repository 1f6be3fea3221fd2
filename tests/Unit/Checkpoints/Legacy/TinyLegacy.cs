using System.Text;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Legacy;

/// <summary>Legacy files written out by hand: pickles as strings of one character a byte.</summary>
internal static class TinyLegacy
{
    public const string Magic = "\u008a\u000al\u00fc\u009cF\u00f9 j\u00a8P\u0019";

    /// <summary>One storage, "0", of four floats, and whatever refers to it.</summary>
    public static byte[] Of(string root) => Of(root, "](" + Text("0") + "e", Int64(4) + new string('\0', 16));

    public static byte[] Of(string root, string keys, string storages, string facts = "}", long version = 1001) =>
        [.. File(Magic), .. File(Int(version)), .. File(facts), .. File(root), .. File(keys), .. Encoding.Latin1.GetBytes(storages)];

    public static string Storage(long count = 4, string view = "N", string storageClass = "FloatStorage") =>
        Tuple(Text("storage"), Global("torch", storageClass), Text("0"), Text("cpu"), Int(count), view) + "Q";

    public static string View(string key, long offset, long count) => Tuple(Text(key), Int(offset), Int(count));

    public static string OneTensor(string storage, long offset = 0, long count = 4) => Dict(Text("w"), Tensor(storage, offset, [count], [1]));
}

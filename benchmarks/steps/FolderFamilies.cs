using static Loadline.Benchmarks.Steps.Opcodes;

namespace Loadline.Benchmarks.Steps;

/// <summary>The file that describes a folder of torch.distributed.checkpoint. What looks at the folder comes after.</summary>
internal static class FolderFamilies
{
    public static IEnumerable<Family> All =>
    [
        Of("tensors", 250, (i, _) => Text($"{i}") + Tensor(")", List(1, _ => Box(")", ")"))), i => Index(i, ")") + Place("a.distcp")),
        Of("one tensor of many boxes", 250, (i, count) => i > 0 ? "" : Text("0") + Tensor(Ints(count), List(count, b => Box(Ints(b), Ints(1)))),
            i => Index(0, Ints(i)) + Place("a.distcp")),
        Of("tensors that share a box", 60, (i, _) => Text($"{i}") + Tensor(Ints(8), i > 0 ? Get(200) : List(100, b => Box(Ints(0), Ints(1))) + Put(200)),
            i => i > 0 ? "" : Index(0, Ints(0)) + Place("a.distcp")),
        Of("values", 250, (i, _) => Text($"{i}") + Global("torch.distributed.checkpoint.metadata.BytesStorageMetadata") + ")R", i => Index(i, "N") + Place("a.distcp")),
        Of("places of long names", 2400, (i, _) => Text($"{i}") + Tensor(")", List(1, _ => Box(")", ")"))), i => Index(i, ")") + Place(new string('a', 2000) + $"/{i}")),
        Of("places of names with many parts", 2400, (i, _) => Text($"{i}") + Tensor(")", List(1, _ => Box(")", ")"))), i => Index(i, ")") + Place(Each(1000, _ => "a/") + $"{i}")),
    ];

    private static string Ints(int number) => Int(number) + "\u0085";

    private static string Object(string state) => Global("a.b") + ")R" + state + "b";

    private static string Box(string offsets, string sizes) => Object("}(" + Text("offsets") + offsets + Text("sizes") + sizes + "u");

    private static string Tensor(string size, string chunks) =>
        Object("}(" + Text("size") + size + Text("properties") + Object("}" + Text("dtype") + Global("torch.float32") + "s") + Text("chunks") + chunks + "u");

    private static string Index(int tensor, string offset) => Object("}(" + Text("fqn") + Text($"{tensor}") + Text("offset") + offset + "u");

    private static string Place(string path) => Object("}(" + Text("relative_path") + Text(path) + Text("offset") + "K\0" + Text("length") + "K\x01" + "u");

    private static Family Of(string name, int bytesPerOne, Func<int, int, string> described, Func<int, string> place) => new($".metadata, {name}", ".metadata", bytes =>
    {
        var count = bytes / bytesPerOne;
        var pickle = new Opcodes(bytes).Add("\u0080\u0002" + Global("a.b") + ")R}(" + Text("state_dict_metadata") + "}(");
        for (var i = 0; i < count; i++) pickle.Add(described(i, count));
        pickle.Add("u" + Text("storage_data") + "}(");
        for (var i = 0; i < count; i++) pickle.Add(place(i));
        return pickle.Add("uub.").ToArray();
    });
}

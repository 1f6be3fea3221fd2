using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Folders;

/// <summary>Folders without a checkpoint that is read: what they are instead, and what to do.</summary>
internal static class OtherFolders
{
    private const int MostWithCommand = 600;

    private static readonly (string Ending, string What)[] Foreign =
    [
        (".gguf", "a GGUF file of llama.cpp: get the model's safetensors instead"),
        (".onnx", "an ONNX graph: export the model's state_dict() from where it was trained"),
        (".pdparams", "weights of PaddlePaddle: convert them with Paddle, numpy and safetensors"),
        (".msgpack", "weights of Flax: load them with Transformers' from_flax=True and save_pretrained()"),
        (".h5", "weights of TensorFlow or Keras: load them with Transformers' from_tf=True, or with Keras, and save them as safetensors"),
        (".keras", "a Keras model: load it with Keras and save its weights as safetensors"),
        ("saved_model.pb", "a SavedModel of TensorFlow: load it with TensorFlow and save its weights as safetensors"),
    ];

    /// <summary>Says what a folder is that has no checkpoint.</summary>
    public static CheckpointException Refuse(FolderFiles files)
    {
        var folder = files.Folder;
        if (files.Has("data.pkl")) return Unpacked(folder, Path.GetFileName(Path.GetFullPath(folder)), "..");
        var subfolders = Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal).ToList();
        if (subfolders.Find(name => File.Exists(Path.Combine(folder, name, "data.pkl"))) is { } archive) return Unpacked(folder, archive, ".");
        if (files.Names.Any(name => name.EndsWith(".distcp", StringComparison.Ordinal)))
        {
            return Unknown("is a torch.distributed.checkpoint folder without its .metadata: the file is hidden and easily left behind, or the save did not end");
        }

        if (files.Has("model_index.json"))
        {
            var parts = subfolders.FindAll(name => Directory.EnumerateFiles(Path.Combine(folder, name)).Any(file => ModelFile.Of(Path.GetFileName(file)) is not null));
            return Unknown($"is a Diffusers pipeline of several models: name one of its folders, {FolderFiles.Some(parts)}");
        }

        var foreign = Array.Find(Foreign, f => files.Names.Any(name => name.EndsWith(f.Ending, StringComparison.Ordinal)));
        if (foreign.What is { } what) return new(CheckpointError.Unsupported, folder, $"is a folder with {what}");
        return files.Names.Any(FolderFiles.IsShard)
            ? Unknown("is a folder with shards and without their index (*.index.json): download it too")
            : Unknown("is a folder without a checkpoint that Loadline knows by its name: name the checkpoint's file inside it");

        CheckpointException Unknown(string problem) => new(CheckpointError.UnknownFormat, folder, problem);
    }

    private static CheckpointException Unpacked(string folder, string archive, string from)
    {
        var command = $"(cd {ShellWord.Of(Path.Combine(folder, from))} && zip -0 -r model.pth {ShellWord.Of(archive)})";
        // A message that is cut would begin or end a word elsewhere.
        var example = folder.Length + command.Length <= MostWithCommand ? $", as in {command}" : "";
        return new(CheckpointError.Unsupported, folder, $"is an unpacked archive of torch.save: pack it again without compression{example}");
    }
}

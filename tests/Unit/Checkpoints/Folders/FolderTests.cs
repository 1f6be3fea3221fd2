using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Folders;
using Loadline.Unit.Checkpoints.Pth;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Unit.Checkpoints.Folders;

public sealed class FolderTests
{
    [Theory]
    [InlineData("gpt2-tiny.safetensors", "model.safetensors", CheckpointFormat.Safetensors)]
    [InlineData("gpt2-tiny.pth", "pytorch_model.bin", CheckpointFormat.Pth)]
    [InlineData("gpt2-tiny-legacy.pth", "weights.pth", CheckpointFormat.Legacy)]
    public void A_folder_with_a_lone_model_file_opens_by_its_own_name(string fixture, string name, CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        folder.Write(name, File.ReadAllBytes(Fixtures.Path(fixture)));
        folder.Write("config.json", "{}"u8);
        folder.Write("training_args.bin", "x"u8);

        using var checkpoint = Checkpoint.Open(folder.Path);

        (checkpoint.Path, checkpoint.Format).Should().Be((folder.Path, format));
        checkpoint.Files.Should().Equal(folder[name]);
    }

    [Fact]
    public void Of_many_checkpoints_in_a_folder_some_are_named()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 50; i++) folder.Write($"{i:00}.safetensors", []);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "is a folder with several checkpoints: name one of 00.safetensors, 01.safetensors,", "19.safetensors and 30 more");
    }

    [Fact]
    public void What_is_wrong_with_the_lone_file_is_told_by_its_name()
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.safetensors", "x"u8);

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage(folder["model.safetensors"] + ": *");
    }

    [Fact]
    public void Several_checkpoints_are_listed_and_none_is_chosen()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["best.ckpt", "consolidated.00.pth", "other.safetensors", "other.bin"]) folder.Write(name, "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "name one of best.ckpt, consolidated.00.pth, other.safetensors");
    }

    [Fact]
    public void A_lone_file_of_weights_among_pt_files_is_not_chosen()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["weights.pth", "last.pt", "optimizer.pt"]) folder.Write(name, "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "weights.pth and 1 .pt files");
    }

    [Theory]
    [InlineData("model.safetensors pytorch_model.bin consolidated.00.pth last.pt", "model.safetensors")]
    [InlineData("pytorch_model.bin consolidated.00.pth", "pytorch_model.bin")]
    [InlineData("diffusion_pytorch_model.fp16.safetensors config.json", "diffusion_pytorch_model.fp16.safetensors")]
    [InlineData("diffusion_pytorch_model.fp16.safetensors diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors")]
    [InlineData("adapter_model.bin adapter_model.safetensors adapter_config.json", "adapter_model.safetensors")]
    [InlineData("epoch=3-step=100.ckpt hparams.yaml", "epoch=3-step=100.ckpt")]
    [InlineData("weights.bin weights.safetensors", "weights.safetensors")]
    [InlineData("weights.pth optimizer.pt rng_state_0.pth random_states_0.pkl scaler.pt training_args.bin", "weights.pth")]
    [InlineData("best.pt optimizer.pt", "best.pt")]
    public void Of_the_names_in_a_folder_the_models_own_are_known(string names, string chosen)
    {
        using var folder = new TemporaryFolder();
        var model = File.ReadAllBytes(Fixtures.Path("gpt2-tiny.safetensors"));
        foreach (var name in names.Split(' ')) folder.Write(name, name == chosen ? model : "x"u8);

        using var checkpoint = Checkpoint.Open(folder.Path);

        (checkpoint.Path, checkpoint.Files.Single()).Should().Be((folder.Path, folder[chosen]));
    }

    [Theory]
    [InlineData("model.fp16.safetensors model.int8.safetensors", "model.fp16.safetensors, model.int8.safetensors")]
    [InlineData("model.safetensors adapter_model.safetensors", "adapter_model.safetensors, model.safetensors")]
    [InlineData("last.ckpt epoch=1.ckpt", "epoch=1.ckpt, last.ckpt")]
    public void Where_names_stand_for_several_models_they_are_listed(string names, string listed)
    {
        using var folder = new TemporaryFolder();
        foreach (var name in names.Split(' ')) folder.Write(name, "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "several checkpoints: name one of " + listed);
    }

    [Theory]
    [InlineData("model-00001-of-00002.safetensors", "shards and without their index")]
    [InlineData("__0_0.distcp", "without its .metadata")]
    [InlineData("model.gguf", "GGUF")]
    [InlineData("model.onnx", "ONNX")]
    [InlineData("model.pdparams", "PaddlePaddle")]
    [InlineData("flax_model.msgpack", "Flax")]
    [InlineData("tf_model.h5", "TensorFlow")]
    [InlineData("model.keras", "Keras")]
    public void What_else_a_folder_holds_is_named(string name, string says)
    {
        using var folder = new TemporaryFolder();
        folder.Write(name, "x"u8);

        var refusal = FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().Which;
        refusal.Message.Should().StartWith(folder.Path).And.Contain(says);
    }

    [Fact]
    public void No_index_is_read_of_several_models()
    {
        using var folder = new TemporaryFolder();
        foreach (var variant in (string[])["a", "b"])
        {
            folder.Write($"model.{variant}.safetensors", "x"u8);
            folder.Write($"model.safetensors.index.{variant}.json", "no JSON"u8);
        }

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "several checkpoints: name one of model.a.safetensors, model.b.safetensors");
    }

    [Fact]
    public void Looks_for_what_is_hidden_in_files_cost_all_of_them_together()
    {
        // A tensor of TorchSharp's that is also a pickle of many names: alone it is worth the look.
        var head = "\u008a\u0080\0\u0001";
        var pickle = "X" + TinyPickle.Int32(4000) + new string('a', 4000) + "\u0094" + TinyPickle.Text("b") + "\u0094"
            + string.Concat(Enumerable.Repeat("h\0h\u0001\u00930", 20_000)) + "K\0.";
        var elements = (130 - 7 + pickle.Length + 15) / 16;
        var size = new string([(char)((elements & 0x7f) | 0x80), (char)(((elements >> 7) & 0x7f) | 0x80), (char)(elements >> 14)]);
        var file = System.Text.Encoding.Latin1.GetBytes(((head + size).PadRight(130, '\0') + pickle).PadRight(7 + 16 * elements, '\0'));
        using var folder = new TemporaryFolder();
        folder.Write("0.pt", file);
        using (var alone = Checkpoint.Open(folder.Path)) alone.Entries.Single().DType.Should().Be(DType.Complex128);

        for (var i = 1; i < 3; i++) folder.Write($"{i}.pt", file);
        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage("*two formats at once*");
    }

    [Fact]
    public void Folders_on_the_way_to_a_checkpoint_pay_together_for_what_is_none()
    {
        var heavy = TinyArchive.Of("}" + string.Concat(Enumerable.Repeat("N\u00850", 300_000)));
        using var folder = new TemporaryFolder();
        for (var (path, depth) = ("", 0); depth < 4; (path, depth) = (path + "t/", depth + 1))
        {
            Directory.CreateDirectory(folder[path + "t"]);
            folder.Write(path + "a_optim_states.pt", heavy);
            folder.Write(path + "optimizer.x_model_states.pt", TinyArchive.Of("}"));
            folder.Write(path + "latest", "t"u8);
        }

        Refusal.Of(folder.Path, CheckpointError.LimitExceeded, "describes more values");
    }

    [Fact]
    public void An_index_that_is_asked_for_its_shards_is_read_once()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("gpt2-tiny.safetensors"), folder["model.safetensors"]);
        List<string> names;
        using (var checkpoint = Checkpoint.Open(folder["model.safetensors"])) names = [.. checkpoint.Entries.Select(e => e.Name)];
        var index = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { weight_map = names.ToDictionary(name => name, _ => "model.safetensors") });
        folder.Write("model.safetensors.index.json", index);
        var reads = new Watching(index.Length);

        using var opened = FolderReader.Read(folder.Path, reads);

        opened.Entries.Should().HaveCount(names.Count);
        (opened.Format, reads.Count).Should().Be((CheckpointFormat.Sharded, 1));
    }

    [Fact]
    public void A_pipeline_of_several_models_names_their_folders()
    {
        using var folder = new TemporaryFolder();
        folder.Write("model_index.json", "{}"u8);
        foreach (var part in (string[])["unet", "vae", "scheduler"]) Directory.CreateDirectory(folder[part]);
        folder.Write("unet/diffusion_pytorch_model.safetensors", "x"u8);
        folder.Write("vae/diffusion_pytorch_model.safetensors", "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "name one of its folders, unet, vae");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_folder_of_the_Hugging_Face_cache_opens_at_its_snapshot(bool hasMain)
    {
        using var folder = new TemporaryFolder();
        var repository = folder["models--org--name"];
        var snapshot = Directory.CreateDirectory(Path.Combine(repository, "snapshots", "abc")).FullName;
        Directory.CreateDirectory(Path.Combine(repository, "blobs"));
        File.WriteAllBytes(Path.Combine(repository, "blobs", "123"), File.ReadAllBytes(Fixtures.Path("gpt2-tiny.safetensors")));
        File.CreateSymbolicLink(Path.Combine(snapshot, "model.safetensors"), "../../blobs/123");
        if (hasMain) File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(repository, "refs")).FullName, "main"), "abc");

        using var checkpoint = Checkpoint.Open(repository);

        checkpoint.Path.Should().Be(repository);
        checkpoint.Format.Should().Be(CheckpointFormat.Safetensors);
    }

    [Theory]
    [InlineData("../../etc", "names no snapshot")]
    [InlineData("..", "names no snapshot")]
    [InlineData("def", "has no snapshot def")]
    [InlineData("abc\n", "has no snapshot abc")]
    [InlineData(" abc", "has no snapshot  abc")]
    public void A_revision_that_is_no_snapshot_is_refused(string revision, string says)
    {
        using var folder = new TemporaryFolder();
        var repository = folder["models--org--name"];
        foreach (var name in (string[])["snapshots/abc", "refs"]) Directory.CreateDirectory(Path.Combine(repository, name));
        File.WriteAllText(Path.Combine(repository, "refs", "main"), revision);

        Refusal.Of(repository, CheckpointError.NotFound, says);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData(".metadata")]
    public void Files_beside_the_snapshots_of_a_cache_are_refused(string beside)
    {
        using var folder = new TemporaryFolder();
        var snapshot = Directory.CreateDirectory(Path.Combine(folder["models--org--name"], "snapshots", "abc")).FullName;
        foreach (var path in (string[])[Path.Combine(snapshot, "model.safetensors"), Path.Combine(folder["models--org--name"], beside)])
            File.WriteAllBytes(path, File.ReadAllBytes(Fixtures.Path("gpt2-tiny.safetensors")));

        Refusal.Of(folder["models--org--name"], CheckpointError.Malformed, $"has '{beside}' beside its snapshots");
    }

    [Fact]
    public void A_folder_without_a_checkpoint_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("README.md", "x"u8);

        Refusal.Of(folder.Path, CheckpointError.UnknownFormat, "folder without a checkpoint");
    }

    private sealed class Watching(int length) : PositionedReads
    {
        public int Count { get; private set; }

        protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
        {
            if (destination.Length == length) Count++;
            return base.ReadSome(file, position, destination);
        }
    }
}

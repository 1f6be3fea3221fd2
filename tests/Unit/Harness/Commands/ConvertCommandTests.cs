using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Commands;

public sealed class ConvertCommandTests : IDisposable
{
    private FakeHarness _loadline = new();

    private string In => Fixtures.Path("tied.pth");

    private string Out => _loadline.Folder["out.safetensors"];

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task The_name_says_the_format_and_ties_that_are_lost_are_told()
    {
        (await _loadline.RunAsync("convert", In, Out, "--dtype", "bfloat16")).Should().Be(0);

        _loadline.Out.Should().Match(
            $"{Out}: safetensors, 2 tensors, 2 of them converted to bfloat16, 60 B, made in * s\n"
            + $"1 of them shares its elements with others in {In}, and safetensors has no ties: each was written out (30 B more); pth keeps ties\n");
        using var written = Checkpoint.Open(Out);
        written.Entries.Should().OnlyContain(e => e.DType == DType.BFloat16);
    }

    [Fact]
    public async Task A_link_that_leads_in_a_circle_gives_way_where_it_is_forced()
    {
        File.CreateSymbolicLink(Out, Out);

        (await _loadline.RunAsync("convert", In, Out)).Should().Be(2);
        _loadline.Error.Should().Be($"loadline: {Out}: is there and is no checkpoint: name another target, or replace it with --force\n");
        (await _loadline.RunAsync("convert", In, Out, "--force")).Should().Be(0);

        new FileInfo(Out).LinkTarget.Should().BeNull();
    }

    // .NET names it by a character that stands for its bytes, and so cannot remove it.
    [Fact]
    public async Task A_folder_with_a_file_whose_name_is_no_UTF_8_is_not_replaced()
    {
        var folder = _loadline.Folder["pt"];
        (await _loadline.RunAsync("convert", In, folder, "--format", "per-tensor")).Should().Be(0);
        await BashAsync(": > \"$0\"/$'b\\xff.pt'");

        (await _loadline.RunAsync("convert", In, folder, "--format", "per-tensor", "--force")).Should().Be(2);

        _loadline.Error.Should().Contain("is not replaced, because it holds more than .pt files: b\\ufffd.pt");
        _loadline.Folder.Names.Should().Equal("pt");
        await BashAsync("rm \"$0\"/$'b\\xff.pt'");

        async Task BashAsync(string script)
        {
            using var bash = System.Diagnostics.Process.Start("bash", ["-c", script, folder]);
            await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData("out.pth", true)]
    [InlineData("out.safetensors", false)]
    public async Task What_has_no_place_beside_the_tensors_is_told(string name, bool isTold)
    {
        (await _loadline.RunAsync("convert", Fixtures.Path("training.pth"), _loadline.Folder[name])).Should().Be(0);

        var told = _loadline.Out.Split('\n').SingleOrDefault(line => line.StartsWith("note: ", StringComparison.Ordinal));
        if (isTold) told.Should().Match("note: * values beside the tensors are not written (epoch, *, …): pth has no place for such");
        else told.Should().BeNull();
    }

    [Fact]
    public async Task A_runtime_is_asked_for_a_cap_or_not_at_all()
    {
        (await _loadline.RunAsync("convert", In, Out, "--runtime", "cgroup")).Should().Be(2);
        _loadline.Error.Should().StartWith("loadline: --runtime needs --cap");
        using var other = new FakeHarness();
        (await other.RunAsync("load", In, "--strategy", "eager", "--runtime", "cgroup")).Should().Be(2);
        other.Error.Should().StartWith("loadline: --runtime needs --cap");
    }

    [Theory]
    [InlineData("out.gguf", "*out.gguf: no gguf is written: use pth, *, by the name's end or by --format\n")]
    [InlineData("missing/out.pth", "*missing/out.pth: cannot be written: there is no folder */missing: make it first\n")]
    public async Task A_target_that_cannot_be_is_refused_by_its_own_name(string name, string line)
    {
        (await _loadline.RunAsync("convert", In, _loadline.Folder[name])).Should().NotBe(0);

        _loadline.Error.Should().Match("loadline: " + line);
        Directory.EnumerateFileSystemEntries(_loadline.Folder.Path).Should().BeEmpty();
    }

    [Theory]
    [InlineData("sharded", true, "is not replaced, because it holds more than .safetensors files: notes.txt")]
    [InlineData("sharded", false, "is a file, not a folder: remove it or choose another name")]
    [InlineData("pth", true, "is a folder: name a file inside it")]
    public async Task A_target_that_has_the_name_of_something_else_is_a_mistake_of_who_named_it(string format, bool isFolder, string problem)
    {
        var target = _loadline.Folder["out"];
        if (isFolder) Directory.CreateDirectory(target);
        File.WriteAllText(isFolder ? Path.Combine(target, "notes.txt") : target, "somebody's");

        (await _loadline.RunAsync("convert", In, target, "--format", format, "--force")).Should().Be(2);

        _loadline.Error.Should().Be($"loadline: {target}: {problem}\n");
        var request = new ConversionRequest(In, target, new ConversionOptions { Format = format == "pth" ? CheckpointFormat.Pth : CheckpointFormat.Sharded });
        CappedConversion.Run(request, _ => { }).Should().Be(2, "the worker says the same under a cap");
    }

    [Theory]
    [InlineData("folders/dcp-4-ranks", ".metadata")]
    [InlineData("gpt2-tiny-sharded", "model.safetensors.index.json")]
    public async Task What_says_where_the_tensors_are_is_not_replaced_by_them(string fixture, string description)
    {
        var source = _loadline.Folder["in"];
        Directory.CreateDirectory(source);
        foreach (var file in Directory.GetFiles(Fixtures.Path(fixture))) File.Copy(file, Path.Combine(source, Path.GetFileName(file)));

        (await _loadline.RunAsync("convert", source, Path.Combine(source, description), "--format", "pth")).Should().Be(2);

        _loadline.Error.Should().Be($"loadline: {source}/{description}: is the checkpoint that is read: name another target, or replace it with --force\n");
        File.ReadAllBytes(Path.Combine(source, description)).Should().Equal(File.ReadAllBytes(Path.Combine(Fixtures.Path(fixture), description)));
    }

    [Fact]
    public async Task Nor_is_the_source_by_way_of_a_folder_that_is_a_link()
    {
        Directory.CreateDirectory(_loadline.Folder["real"]);
        File.CreateSymbolicLink(_loadline.Folder["link"], "real");
        File.Copy(Fixtures.Path("gpt2-tiny.safetensors"), _loadline.Folder["real/m.safetensors"]);

        (await _loadline.RunAsync("convert", _loadline.Folder["real/m.safetensors"], _loadline.Folder["link/m.safetensors"], "--dtype", "bfloat16")).Should().Be(2);

        _loadline.Error.Should().Contain("link/m.safetensors: is the checkpoint that is read");
    }

    [Theory]
    [InlineData("k", "sharded")]
    [InlineData("k", "per-tensor")]
    [InlineData("link", "sharded")]
    [InlineData("k/../k/", "sharded")]
    public async Task A_folder_that_holds_the_source_is_not_replaced(string target, string format)
    {
        Directory.CreateDirectory(_loadline.Folder["k"]);
        File.CreateSymbolicLink(_loadline.Folder["link"], "k");
        File.Copy(Fixtures.Path("gpt2-tiny.safetensors"), _loadline.Folder["k/model.safetensors"]);

        (await _loadline.RunAsync("convert", _loadline.Folder["link/model.safetensors"], _loadline.Folder[target], "--format", format)).Should().Be(2);

        _loadline.Error.Should().Be($"loadline: {_loadline.Folder[target]}: holds the checkpoint that is read, and would be replaced with it: name another target, or replace it with --force\n");
        File.Exists(_loadline.Folder["k/model.safetensors"]).Should().BeTrue();
    }

    [Fact]
    public async Task A_snapshot_of_the_hub_is_not_replaced_by_what_is_made_of_its_model()
    {
        var hub = _loadline.Folder["models--a"];
        Directory.CreateDirectory(Path.Combine(hub, "snapshots/r"));
        Directory.CreateDirectory(Path.Combine(hub, "blobs"));
        Directory.CreateDirectory(Path.Combine(hub, "refs"));
        File.WriteAllText(Path.Combine(hub, "refs/main"), "r");
        File.Copy(Fixtures.Path("gpt2-tiny.safetensors"), Path.Combine(hub, "blobs/b"));
        File.CreateSymbolicLink(Path.Combine(hub, "snapshots/r/model.safetensors"), "../../blobs/b");

        (await _loadline.RunAsync("convert", hub, Path.Combine(hub, "snapshots/r"), "--format", "sharded")).Should().Be(2);

        File.Exists(Path.Combine(hub, "snapshots/r/model.safetensors")).Should().BeTrue();
    }

    [Fact]
    public async Task What_is_no_checkpoint_is_not_replaced_unless_it_is_forced()
    {
        var source = _loadline.Folder.CopyOf(In);
        File.WriteAllText(_loadline.Folder["results.json"], "{}");
        Directory.CreateDirectory(_loadline.Folder["notes"]);
        File.WriteAllText(_loadline.Folder["notes/todo.txt"], "");

        (await _loadline.RunAsync("convert", source, source)).Should().Be(2);
        _loadline.Error.Should().Be($"loadline: {source}: is the checkpoint that is read: name another target, or replace it with --force\n");
        (await _loadline.RunAsync("convert", source, _loadline.Folder["results.json"])).Should().Be(2);
        _loadline.Error.Should().EndWith("results.json: is there and is no checkpoint: name another target, or replace it with --force\n");
        (await _loadline.RunAsync("convert", source, _loadline.Folder["notes"], "--format", "per-tensor")).Should().Be(2);
        _loadline.Error.Should().EndWith("notes: is there and is no checkpoint: name another target, or replace it with --force\n");

        File.WriteAllText(_loadline.Folder["new.pth.digests.json"], "notes");
        (await _loadline.RunAsync("convert", source, _loadline.Folder["new.pth"])).Should().Be(2);
        _loadline.Error.Should().Contain("new.pth.digests.json: would be removed, and holds no digests of a checkpoint");

        (await _loadline.RunAsync("convert", source, _loadline.Folder["results.json"], "--force")).Should().Be(0);
        (await _loadline.RunAsync("convert", source, _loadline.Folder["results.json"])).Should().Be(0, "an older checkpoint is replaced");
    }

    [Fact]
    public async Task A_folder_that_holds_more_than_a_checkpoint_is_not_replaced()
    {
        var source = _loadline.Folder.CopyOf(In);
        (await _loadline.RunAsync("convert", source, _loadline.Folder["parts"], "--format", "sharded")).Should().Be(0);
        (await _loadline.RunAsync("convert", source, _loadline.Folder["parts"], "--format", "sharded")).Should().Be(0);
        File.WriteAllText(_loadline.Folder["parts/config.json"], "{}");

        (await _loadline.RunAsync("convert", source, _loadline.Folder["parts"], "--format", "sharded")).Should().Be(2);

        _loadline.Error.Should().EndWith("parts: is there and holds more than a checkpoint, as config.json: name another target, or replace it with --force\n");
    }

    // Until it is complete a file has a longer name, which carries its owner; and digests would lie under a longer one.
    [Theory]
    [InlineData("pth", 'w', 251)]
    [InlineData("sharded", 'w', 255)]
    [InlineData("safetensors", 'é', 120)]
    public async Task A_name_may_be_as_long_as_the_file_system_has_them(string format, char letter, int letters)
    {
        var target = _loadline.Folder[new string(letter, letters) + (format == "pth" ? ".pth" : "")];
        for (var round = 0; round < 2; round++) (await _loadline.RunAsync("convert", In, target, "--format", format)).Should().Be(0, _loadline.Error);

        (await _loadline.RunAsync("inspect", target)).Should().Be(0, _loadline.Error);
        (await _loadline.RunAsync("load", target, "--strategy", "eager", "--verify", "digest")).Should().Be(0, _loadline.Error);
        Directory.GetFileSystemEntries(_loadline.Folder.Path).Should().ContainSingle();
    }

    [Fact]
    public async Task The_sums_of_an_index_are_of_its_shards()
    {
        (await _loadline.RunAsync("convert", In, _loadline.Folder["parts"], "--format", "sharded")).Should().Be(0);
        (await _loadline.RunAsync("convert", _loadline.Folder["parts"], _loadline.Folder["half.safetensors"], "--dtype", "bfloat16")).Should().Be(0);

        using var checkpoint = Checkpoint.Open(_loadline.Folder["half.safetensors"]);
        checkpoint.Metadata.Keys.Should().NotContain("total_size");
    }

    [Fact]
    public async Task A_folder_is_no_name_for_a_file()
    {
        (await _loadline.RunAsync("convert", In, _loadline.Folder[""])).Should().Be(2);
        _loadline.Error.Should().EndWith(": is a folder: name a file inside it\n");
    }

    [Fact]
    public async Task What_training_keeps_beside_a_model_is_not_in_what_is_written_without_it()
    {
        (await _loadline.RunAsync("convert", Fixtures.Path("training.pth"), Out, "--strip", "auto")).Should().Be(0);

        using var written = Checkpoint.Open(Out);
        written.Entries.Select(e => e.Name).Should().Equal("w");
        written.Metadata.Keys.Should().BeEquivalentTo("format", "epoch", "config.lr", "config.note");
    }

    [Fact]
    public async Task A_source_that_is_refused_is_exit_code_2_and_one_line()
    {
        (await _loadline.RunAsync("convert", "no-such-file.pth", Out)).Should().Be(2);
        _loadline.Error.Should().Be("loadline: no-such-file.pth: there is no such file or folder\n");
    }

    [Fact]
    public async Task A_target_that_cannot_be_written_is_exit_code_3_and_one_line()
    {
        (await _loadline.RunAsync("convert", In, "/nowhere/out.pth")).Should().Be(3);
        _loadline.Error.Should().StartWith("loadline: /nowhere/out.pth: cannot be written").And.EndWith("\n");
        (await _loadline.RunAsync("convert", In, "/nowhere/out.pth", "--cap", "64MiB")).Should().Be(3);
        _loadline.Error.Should().EndWith("loadline: /nowhere/out.pth: there is no folder /nowhere\n");
    }

    [Fact]
    public async Task Under_a_cap_the_worker_converts_and_may_write_only_beside_the_target()
    {
        Scripted(spec =>
        {
            Directory.CreateDirectory(spec.Command[3]);
            return new FakeEnd(0, FakeEnd.Line(new ProgressEvent(0.5)), Converted(1.5));
        });
        (await _loadline.RunAsync(
            ["convert", In, Out, "--format", "sharded", "--shard-size", "1GiB", "--dtype", "float16", "--allow-overflow", "--cap", "64MiB"])).Should().Be(0);

        var spec = _loadline.Runtime.Specs.Single();
        spec.CapBytes.Should().Be(64 * ByteSize.MiB);
        spec.Mounts.Should().Equal(In);
        spec.WritableMounts.Should().Equal(_loadline.Folder.Path);
        spec.Command.Take(6).Should().Equal(ContainerSpec.Worker, "convert", In, Out, "--format", "sharded");
        string.Join(' ', spec.Command.Skip(6)).Should().Match($"--pending {Out}.*.partial --dtype float16 --shard-size 1GiB --allow-overflow true");
        _loadline.Out.Should().Be($"{Out}: sharded, 2 tensors, 2 of them converted to float16, 60 B, made in 1.5 s, under 64 MiB\n");
    }

    [Theory]
    [InlineData("gpt2-tiny-parameters", "gpt2-tiny-parameters/out.pth")]
    [InlineData("gpt2-tiny-parameters", "out.pth")]
    [InlineData("tied.pth", "tied.pth")]
    public async Task A_source_in_the_targets_own_folder_has_no_mount_that_a_rename_could_not_replace(string source, string target)
    {
        Scripted(_ => new FakeEnd(2));
        await _loadline.RunAsync("convert", Fixtures.Path(source), Fixtures.Path(target), "--cap", "64MiB", "--force");

        var spec = _loadline.Runtime.Specs.Single();
        spec.Mounts.Should().BeEmpty();
        spec.WritableMounts.Should().Equal(Path.GetDirectoryName(Fixtures.Path(target)));
    }

    [Fact]
    public async Task What_a_killed_conversion_wrote_is_removed()
    {
        Scripted(spec =>
        {
            File.WriteAllText(spec.Command[7], "half");
            return new FakeEnd(137) { KilledByCap = true };
        });
        (await _loadline.RunAsync("convert", In, Out, "--cap", "64MiB")).Should().Be(137);

        _loadline.Error.Should().Be($"loadline: {In}: the conversion was killed by the cap of 64 MiB\n");
        Directory.GetFileSystemEntries(_loadline.Folder.Path).Should().BeEmpty();
    }

    [Theory]
    [InlineData(2, "refused", "in.pth: tensor 'w' holds 1E+30", "in.pth: tensor 'w' holds 1E+30")]
    [InlineData(3, "error", "out: the disk is full", "out: the disk is full")]
    public async Task The_workers_own_words_and_exit_code_are_passed_on(int exitCode, string kind, string message, string says)
    {
        Scripted(_ => new FakeEnd(exitCode, FakeEnd.Line(new FailedEvent(kind, message))));

        (await _loadline.RunAsync("convert", In, Out, "--cap", "64MiB")).Should().Be(exitCode);
        _loadline.Error.Should().Be($"loadline: {says}\n");
    }

    [Fact]
    public async Task A_worker_that_ends_well_without_a_report_is_not_believed()
    {
        Scripted(_ => new FakeEnd(0) { ErrorLines = ["Segmentation fault"] });

        (await _loadline.RunAsync("convert", In, Out, "--cap", "64MiB")).Should().Be(3);
        _loadline.Error.Should().Be($"loadline: {In}: the conversion ended with exit code 0: Segmentation fault\n");
    }

    [Fact]
    public async Task A_worker_that_says_that_it_converted_is_not_believed_without_the_target()
    {
        Scripted(_ => new FakeEnd(0, Converted(1.5)));

        (await _loadline.RunAsync("convert", In, Out, "--cap", "64MiB")).Should().Be(3);
        _loadline.Error.Should().Be($"loadline: {Out}: was not made, though the worker says so\n");
    }

    [Fact]
    public async Task Nor_one_that_leaves_what_stood_there()
    {
        Scripted(_ => new FakeEnd(0, Converted(1.5)));
        File.Copy(In, Out);

        (await _loadline.RunAsync("convert", In, Out, "--format", "pth", "--cap", "64MiB")).Should().Be(3);
        _loadline.Error.Should().Be($"loadline: {Out}: was not made, though the worker says so\n");
    }

    [Fact]
    public async Task Nor_one_that_says_that_it_failed_or_took_longer_than_anything_and_ends_well()
    {
        Scripted(spec =>
        {
            File.WriteAllText(spec.Command[3], "");
            return new FakeEnd(0, Converted(1.5), FakeEnd.Line(new FailedEvent("error", "it broke")));
        });
        (await _loadline.RunAsync("convert", In, Out, "--cap", "64MiB")).Should().Be(3);
        _loadline.Error.Should().Be("loadline: it broke\n");

        Scripted(_ => new FakeEnd(0, Converted(1e15)));
        (await _loadline.RunAsync("convert", In, Out, "--cap", "64MiB")).Should().Be(3);
        _loadline.Error.Should().EndWith("the conversion ended with exit code 0: it said nothing\n");
    }

    [Theory]
    [InlineData("convert a.pth b.pth --format onnx", "unknown format 'onnx': known are pth, safetensors, sharded, per-tensor, dat")]
    [InlineData("convert a.pth b.pth --dtype int8", "unknown dtype 'int8': known are float32, float16, bfloat16, float64")]
    [InlineData("convert a.pth b.pth --shard-size 1GiB", "--shard-size needs --format sharded")]
    [InlineData("convert a.pth b --format sharded --shard-size lots", "--shard-size 'lots' is not a size*")]
    [InlineData("convert a.pth b.pth --allow-overflow", "--allow-overflow needs --dtype: without it no value changes")]
    [InlineData("convert a.pth", "*")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);
        _loadline.Error.TrimEnd().Should().Match($"loadline: {problem}; see `loadline convert --help`").And.NotContain("\n");
    }

    private static string Converted(double seconds) => FakeEnd.Line(new ConvertedEvent(new ConversionReport(2, 2, 60, 0, 0), seconds));

    private void Scripted(Func<ContainerSpec, FakeEnd> script)
    {
        _loadline.Dispose();
        _loadline = new FakeHarness(script);
    }
}

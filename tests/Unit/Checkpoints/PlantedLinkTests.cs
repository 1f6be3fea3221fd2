using System.Text.RegularExpressions;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Unit.Checkpoints;

/// <summary>Somebody who may write to the folder plants links where a file is about to be written: what they lead to stays as it is.</summary>
public sealed partial class PlantedLinkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _victims = new();
    private readonly string _victim;

    public PlantedLinkTests() => _victim = _victims.Write("precious", "precious"u8);

    public static TheoryData<CheckpointFormat> Formats => [.. WriterTests.Formats];

    public void Dispose()
    {
        _folder.Dispose();
        _victims.Dispose();
    }

    // Nothing is written here: these only make sure that something could be.
    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/dev/full")]
    public void A_device_is_not_replaced_by_a_file(string device)
    {
        FluentActions.Invoking(() => new PendingPath(device)).Should().Throw<IOException>().WithMessage(device + ": is no regular file (a pipe or a device): name a file");
        FluentActions.Invoking(() => WholeFile.RefuseUnwritable(device)).Should().Throw<IOException>().WithMessage(device + ": is no regular file (a pipe or a device): name a file");
    }

    // As /dev/stdout is, redirected to a file or not.
    [Fact]
    public void A_link_to_an_open_file_is_not_replaced()
    {
        using var open = File.Open(_folder.Write("output.txt", []), FileMode.Open);
        Directory.CreateDirectory(_folder["dev"]);
        File.CreateSymbolicLink(_folder["dev/output"], $"/proc/self/fd/{open.SafeFileHandle.DangerousGetHandle()}");
        File.CreateSymbolicLink(_folder["link"], "dev/output");
        File.CreateSymbolicLink(_folder["dev/fd"], "/proc/self/fd");
        File.CreateSymbolicLink(_folder["dev/other"], $"fd/{open.SafeFileHandle.DangerousGetHandle()}");

        foreach (var link in new[] { _folder["dev/output"], _folder["link"], _folder["dev/other"] })
        {
            FluentActions.Invoking(() => WholeFile.Write(link, "new"u8)).Should().Throw<TakenNameException>().WithMessage(link + ": is a name of an open file*");
            FluentActions.Invoking(() => WholeFile.RefuseUnwritable(link)).Should().Throw<TakenNameException>();
            new FileInfo(link).LinkTarget.Should().NotBeNull();
        }
    }

    // Bytes that are no UTF-8 come as this character, and the file whose name has it would be written.
    [Fact]
    public void A_name_that_may_be_another_s_is_not_written_to()
    {
        _folder.Write("z\ufffd.json", "precious"u8);

        FluentActions.Invoking(() => WholeFile.Write(_folder["z\ufffd.json"], "new"u8)).Should().Throw<IOException>().WithMessage("*has bytes in its name that are no UTF-8*");

        File.ReadAllText(_folder["z\ufffd.json"]).Should().Be("precious");
    }

    [Fact]
    public void What_cannot_be_made_is_told_by_its_own_name()
    {
        var file = _folder.Write("file", []);

        FluentActions.Invoking(() => WholeFile.RefuseUnwritable(file + "/results.json")).Should().Throw<IOException>().Which.Message.Should().NotContain(".partial");
        FluentActions.Invoking(() => WholeFile.Write(file + "/results.json", "new"u8)).Should().Throw<IOException>().Which.Message.Should().NotContain(".partial");
    }

    [Fact]
    public void Under_the_final_name_the_link_gives_way_to_the_file()
    {
        File.CreateSymbolicLink(_folder["results.json"], _victim);

        WholeFile.Write(_folder["results.json"], "new"u8);

        File.ReadAllText(_victim).Should().Be("precious");
        new FileInfo(_folder["results.json"]).LinkTarget.Should().BeNull();
        File.ReadAllText(_folder["results.json"]).Should().Be("new");
        _folder.Names.Should().Equal("results.json");
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void In_the_place_of_the_folder_that_is_written_a_link_leads_nothing_astray(CheckpointFormat format)
    {
        using var writer = CheckpointWriter.Create(_folder["out"], format, [new TensorDeclaration("w", DType.Float32, [4]), new TensorDeclaration("v", DType.Float32, [4])]);
        writer.Write(new byte[16]);
        var pending = _folder.Names.Single();
        Directory.Move(_folder[pending], _folder["stolen"]);
        File.CreateSymbolicLink(_folder[pending], _victims.Path);

        writer.Write(new byte[16]);
        FluentActions.Invoking(writer.Commit).Should().Throw<IOException>().WithMessage("*out: was moved away while it was written: try again");

        writer.Dispose();
        _victims.Names.Should().Equal("precious");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_folder_in_the_place_of_what_is_written_keeps_its_files(CheckpointFormat format)
    {
        var work = Directory.CreateDirectory(_victims["work"]).FullName;
        File.Move(_victim, Path.Combine(work, "precious"));
        using (var writer = CheckpointWriter.Create(_folder["out"], format, [new TensorDeclaration("w", DType.Float32, [4])]))
        {
            writer.Write(new byte[16]);
            var pending = _folder.Names.Single();
            if (Directory.Exists(_folder[pending])) Directory.Move(_folder[pending], _folder["stolen"]);
            else File.Move(_folder[pending], _folder["stolen"]);
            Directory.Move(work, _folder[pending]);
            FluentActions.Invoking(writer.Commit).Should().Throw<IOException>();
        }

        var there = _folder.Names.Single(name => name.EndsWith(".partial", StringComparison.Ordinal) || name == "out");
        File.ReadAllText(Path.Combine(_folder[there], "precious")).Should().Be("precious");
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void What_is_written_has_the_mark_of_what_a_kill_leaves_until_it_has_its_name(CheckpointFormat format)
    {
        // One that was killed between the two is a checkpoint, and replaced as such.
        Directory.CreateDirectory(_folder["out"]);
        File.WriteAllText(_folder["out/.unfinished"], "");
        using var writer = CheckpointWriter.Create(_folder["out"], format, [new TensorDeclaration("w", DType.Float32, [4])]);
        writer.Write(new byte[16]);
        var pending = _folder.Names.Single(name => name != "out");

        File.Exists(_folder[pending + "/.unfinished"]).Should().BeTrue();
        writer.Commit();

        File.Exists(_folder["out/.unfinished"]).Should().BeFalse();
        _folder.Names.Should().Equal("out");
        Checkpoint.Open(_folder["out"]).Dispose();
    }

    [Fact]
    public void Nor_does_what_took_the_name_of_what_waits_beside_an_archive_get_into_it()
    {
        using var read = WholeFile.Scratch(_folder["image.tar"], 4, stream =>
        {
            _folder.Names.Should().BeEmpty("it has no name any more");
            stream.Write("mine"u8);
        });

        new StreamReader(read).ReadToEnd().Should().Be("mine");
    }

    [Theory]
    [InlineData(CheckpointFormat.PerTensor)]
    [InlineData(CheckpointFormat.Sharded)]
    public void Under_the_final_name_a_link_to_a_folder_gives_way_and_what_is_behind_it_stays(CheckpointFormat format)
    {
        Write(_victims["older"]);
        var files = Directory.GetFiles(_victims["older"]);
        Directory.CreateSymbolicLink(_folder["out"], _victims["older"]);

        Write(_folder["out"]);

        foreach (var elsewhere in (string[])[_victims.Path, _victim, _victims["nothing-yet"]])
        {
            Directory.Delete(_folder["out"], recursive: true);
            Directory.CreateSymbolicLink(_folder["out"], elsewhere);
            Write(_folder["out"]);
        }

        Directory.GetFiles(_victims["older"]).Should().BeEquivalentTo(files);
        File.ReadAllText(_victim).Should().Be("precious");
        new DirectoryInfo(_folder["out"]).LinkTarget.Should().BeNull();
        Checkpoint.Open(_folder["out"]).Dispose();
        _folder.Names.Should().Equal("out");

        void Write(string path)
        {
            using var writer = CheckpointWriter.Create(path, format, [new TensorDeclaration("w", DType.Float32, [4])]);
            writer.Write(new byte[16]);
            writer.Commit();
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Under_the_temporary_name_a_link_is_refused_whether_to_a_file_or_a_folder(CheckpointFormat format)
    {
        foreach (var target in (string[])[_victim, _victims.Path, _victims["nothing-yet"]])
        {
            var planted = _folder["out.partial"];
            File.Delete(planted);
            File.CreateSymbolicLink(planted, target);

            FluentActions.Invoking(() => CheckpointWriter.Create(_folder["out"], format, [new TensorDeclaration("w", DType.Float32, [4])], pendingPath: planted))
                .Should().Throw<IOException>().WithMessage("*cannot be written*exists*");

            _victims.Names.Should().Equal("precious");
            File.ReadAllText(_victim).Should().Be("precious");
        }
    }

    [Fact]
    public void Temporary_names_cannot_be_guessed() =>
        Enumerable.Range(0, 100).Select(_ => new PendingPath(_folder["a"]).Temporary).Should().OnlyHaveUniqueItems().And.OnlyContain(name => RandomName().IsMatch(name));

    [Fact]
    public void Files_are_written_in_one_place_of_the_source()
    {
        // The summary of a step, whose path the runner gives; files of the kernel; a file without contents in a folder that nobody else may enter.
        string[] others = ["GitHubActions.cs", "Cgroup.cs", "CgroupRuntime.cs", "StreamFile.cs"];

        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/") && Writing().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetFileName(file)).Except(others).Should().Equal("OutputFile.cs");
    }

    [GeneratedRegex(@"File\.(WriteAll|Create\(|CreateText|AppendAll|AppendText|OpenWrite|Copy)|new StreamWriter\(|new FileStream\((?!handle, FileAccess\.Read\))|FileMode\.(Create|OpenOrCreate|Append|Truncate)")]
    private static partial Regex Writing();

    [GeneratedRegex(@"a\.[0-9a-f]{16}\.partial$")]
    private static partial Regex RandomName();
}

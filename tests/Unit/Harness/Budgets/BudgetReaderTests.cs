using System.Text;
using Loadline.Harness;
using Loadline.Harness.Budgets;

namespace Loadline.Unit.Harness.Budgets;

public class BudgetReaderTests
{
    private const string Case = """
        "name": "a", "checkpoint": "c", "strategy": "eager", "device": "cpu", "cap": "1GiB", "expect": "loaded", "why": "w"
        """;

    [Fact]
    public void A_case_has_its_members_and_its_line()
    {
        var file = Read($$"""
            {
              "checkpoints": { "c": { "model": "gpt2-small", "format": "safetensors", "dtype": "bfloat16", "seed": 7 } },
              "cases": [
                { {{Case}} },
                {
                  "name": "b", "checkpoint": "c", "strategy": "streamed", "device": "sim:2GiB", "cap": "1.5GiB", "expect": "loaded", "why": "w",
                  "peakAnonymous": "80MiB", "peakHost": "64MiB", "peakDevice": "500MiB", "engine": "native", "verify": "digest", "ring": "16MiB",
                  "image": "torch", "gpus": 1, "timeout": "2min", "dtype": "bfloat16,a.*=float32"
                },
                {
                  "name": "c", "checkpoint": "c", "strategy": "mmap-assign", "device": "cpu", "cap": "128MiB", "expect": "loaded", "why": "w",
                  "processes": 4, "verify": "digest"
                }
              ]
            }
            """);

        file.Checkpoints["c"].Should().BeOfType<GeneratedCheckpoint>().Which.Recipe.FileName.Should().Be("gpt2-small-bfloat16-7.safetensors");
        file.Cases.Select(c => c.Line).Should().Equal(4, 5, 10);
        file.Cases.Select(c => c.Processes).Should().Equal(1, 1, 4);
        file.Cases[0].Timeout.Should().Be(BudgetCase.DefaultTimeout);
        file.Cases[1].Should().BeEquivalentTo(new
        {
            Name = "b",
            Strategy = "streamed",
            Device = "sim:2GiB",
            CapBytes = 1536L << 20,
            Expect = Outcome.Loaded,
            PeakAnonymousBytes = 80L << 20,
            PeakHostBytes = 64L << 20,
            PeakDeviceBytes = 500L << 20,
            Engine = "native",
            Verify = "digest",
            RingBytes = 16L << 20,
            Image = "torch",
            Gpus = 1,
            Timeout = TimeSpan.FromMinutes(2),
            DType = "bfloat16,a.*=float32",
        });
    }

    [Fact]
    public void A_text_that_is_none_is_no_JSON() =>
        FluentActions.Invoking(() => Read("""{ "checkpoints": { "c": { "path": "x" } }, "cases": [ { "name": "\ud800" } ] }""")).Should().Throw<InputException>().WithMessage("*is not valid JSON*");

    [Fact]
    public void A_case_that_uses_its_weights_may_thrash_and_has_its_peaks_all_the_same()
    {
        var file = Read(Document($$"""{ {{Case.Replace("loaded", "thrashed")}}, "passes": 3, "use": "forward", "heads": 4, "reread": 0.05, "peakAnonymous": "64MiB" }"""));

        file.Cases[0].Should().BeEquivalentTo(new { Expect = Outcome.Thrashed, Passes = 3, Use = "forward", Heads = 4, Reread = 0.05, PeakAnonymousBytes = 64L << 20, Computes = true });
    }

    [Fact]
    public void A_map_has_devices_a_rule_or_a_file_and_limits()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["map.json"], """{ "": "cpu" }""");
        var file = BudgetReader.Read(folder["budgets.json"], Encoding.UTF8.GetBytes(Document("""
            {
              "name": "a", "checkpoint": "c", "strategy": "device-map", "device": "sim:2GiB,cpu,disk", "cap": "1GiB", "expect": "loaded", "why": "w",
              "map": "map.json", "maxMemory": "cpu=1GiB", "noSplit": "h.*"
            }
            """)));

        file.Cases[0].Should().BeEquivalentTo(new { Device = "sim:2GiB,cpu,disk", Map = folder["map.json"], MaxMemory = "cpu=1GiB", NoSplit = "h.*" });
        var map = file.Cases[0].Options().DeviceMap!;
        (map.Devices!.Count, map.Given![""], map.MaxMemory["cpu"], map.NoSplit!.Single()).Should().Be((3, "cpu", 1L << 30, "h.*"));
    }

    [Fact]
    public void A_path_is_relative_to_the_folder_of_the_file() =>
        BudgetReader.Read("/some/where/budgets.json", Encoding.UTF8.GetBytes(Document($$"""{ {{Case}} }""", """{ "path": "../weights.pth" }""")))
            .Checkpoints["c"].Should().BeOfType<CheckpointAt>().Which.Path.Should().Be("/some/weights.pth");

    [Fact]
    public void Another_program_needs_no_strategy()
    {
        var file = Read(Document("""
            { "name": "a", "checkpoint": "c", "cap": "1GiB", "expect": "loaded", "why": "w", "image": "torch", "command": ["python3", "load.py", "{checkpoint}"] }
            """));

        file.Cases[0].Command.Should().Equal("python3", "load.py", "{checkpoint}");
        file.Cases[0].Strategy.Should().BeNull();
    }

    [Fact]
    public void The_program_of_the_engine_torchsharp_has_commands_and_no_other_has()
    {
        const string members = """ "name": "a", "checkpoint": "c", "cap": "1GiB", "expect": "loaded", "why": "w" """;

        Read(Document($$"""{ {{members}}, "engine": "torchsharp", "command": ["{worker}", "own", "load_py", "{checkpoint}"] }""")).Cases[0].Engine.Should().Be("torchsharp");
        Refusal(Document($$"""{ {{members}}, "command": ["{worker}", "own"] }""")).Should().EndWith("{worker} needs \"engine\": \"torchsharp\", whose program has commands");
        Refusal(Document($$"""{ {{members}}, "engine": "torchsharp", "command": ["python3"] }""")).Should().EndWith("engine is the worker's, and command runs another program");
        Refusal(Document($$"""{ {{members}}, "engine": "libtorch", "command": ["{worker}"] }""")).Should().EndWith("engine is the worker's, and command runs another program");
    }

    [Theory]
    [InlineData("name", "member 'name' is missing")]
    [InlineData("checkpoint", "member 'checkpoint' is missing")]
    [InlineData("strategy", "member 'strategy' is missing")]
    [InlineData("device", "member 'device' is missing")]
    [InlineData("cap", "member 'cap' is missing")]
    [InlineData("expect", "member 'expect' is missing")]
    [InlineData("why", "member 'why' is missing")]
    public void A_missing_member_is_refused(string member, string problem)
    {
        var members = Case.Split(", ").Where(m => !m.Contains($"\"{member}\""));
        Refusal(Document($$"""{ {{string.Join(", ", members)}} }""")).Should().Be($"budgets.json:4: case {(member == "name" ? "1" : "'a'")}: {problem}");
    }

    [Theory]
    [InlineData("""  "image": "a\u0000" """, "image must not have a NUL in it")]
    [InlineData("""  "timeout": "50000min" """, "*timeout*")]
    [InlineData("""  "pek": 1 """, "unknown member 'pek': known are name, checkpoint,*")]
    [InlineData("""  "cap": "2GiB" """, "member 'cap' stands there twice")]
    [InlineData("""  "peakAnonymous": "2GiB" """, "peakAnonymous 2 GiB is above the cap of 1 GiB")]
    [InlineData("""  "peakHost": "2GiB" """, "peakHost 2 GiB is above the cap of 1 GiB")]
    [InlineData("""  "peakAnonymous": "64MB" """, "peakAnonymous '64MB' is not a size: did you mean 64MiB?")]
    [InlineData("""  "peakAnonymous": 64 """, "peakAnonymous must be a string")]
    [InlineData("""  "engine": "tensorflow" """, "unknown engine 'tensorflow': known are native, libtorch, torchsharp")]
    [InlineData("""  "verify": "md5" """, "unknown verify 'md5': known are digest, forward")]
    [InlineData("""  "gpus": -1 """, "gpus must be a whole number from 0 on")]
    [InlineData("""  "gpus": 1.5 """, "gpus must be a whole number from 0 on")]
    [InlineData("""  "ring": "1MiB" """, "ring must be at least 2 MiB")]
    [InlineData("""  "ring": "1025GiB" """, "ring must be at most 1 TiB, which is more than any machine has")]
    [InlineData("""  "ring": "2TiB" """, "ring must be at most 1 TiB, which is more than any machine has")]
    [InlineData("""  "dtype": "int8" """, "'int8' is no dtype to load as: known are float32, float16, bfloat16, float64, auto, *")]
    [InlineData("""  "processes": 0 """, "processes must be from 1 to 64")]
    [InlineData("""  "processes": 65 """, "processes must be from 1 to 64")]
    [InlineData("""  "processes": 2 """, "processes needs verify: digest: each has to read all of its weights while the others hold theirs")]
    [InlineData("""  "processes": 33, "verify": "digest" """, "cap 1 GiB is below the floor of 33 processes, 1056 MiB")]
    [InlineData("""  "passes": 0 """, "passes must be from 1 to 64")]
    [InlineData("""  "passes": 65 """, "passes must be from 1 to 64")]
    [InlineData("""  "passes": 2, "processes": 2, "verify": "digest" """, "passes are of one process: leave out processes")]
    [InlineData("""  "use": "read" """, "use says what a pass does: it needs passes")]
    [InlineData("""  "passes": 2, "use": "train" """, "unknown use 'train': known are read, forward")]
    [InlineData("""  "reread": 0.05 """, "reread is of the passes after the first: it needs passes of at least 2")]
    [InlineData("""  "passes": 1, "reread": 0.05 """, "reread is of the passes after the first: it needs passes of at least 2")]
    [InlineData("""  "passes": 2, "reread": "5 %" """, "reread must be a number from 0 on, as in 0.05")]
    [InlineData("""  "passes": 2, "reread": -1 """, "reread must be a number from 0 on, as in 0.05")]
    [InlineData("""  "map": "balanced" """, "map is for strategy device-map, and eager loads onto one device")]
    [InlineData("""  "maxMemory": "cpu=1GiB" """, "maxMemory is for strategy device-map, and eager loads onto one device")]
    [InlineData("""  "timeout": "soon" """, "timeout 'soon' is no duration: write seconds or minutes, as in 90s or 5min")]
    [InlineData("""  "timeout": "0s" """, "timeout '0s' is no duration: *")]
    [InlineData("""  "command": [] """, "command must be a list of strings that is not empty")]
    [InlineData("""  "command": ["python3"] """, "strategy is the worker's, and command runs another program")]
    public void A_wrong_member_is_refused(string member, string problem) =>
        Refusal(Document($$"""{ {{Case}}, {{member}} }""")).Should().Match($"budgets.json:4: case *: {problem}");

    [Theory]
    [InlineData("\"cap\": \"1GiB\"", "\"cap\": \"31MiB\"", "cap 31 MiB is below the floor of 32 MiB, where the worker thrashes instead of loading")]
    [InlineData("\"cap\": \"1GiB\"", "\"cap\": \"1 gigabyte\"", "cap '1 gigabyte' is not a size: *")]
    [InlineData("\"strategy\": \"eager\"", "\"strategy\": \"magic\"", "unknown strategy 'magic': known are eager, *, auto")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"sim:1GiB\", \"processes\": 2", "several processes share the host's memory: processes needs device cpu")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"sim:1GiB\", \"engine\": \"torchsharp\"", "a module of TorchSharp's goes onto cpu or cuda:N, not onto sim:1GiB")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"tpu\"", "unknown device 'tpu': known are cpu, cuda:N as in cuda:0, and sim:CAPACITY as in sim:4GiB")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"cuda:2\", \"gpus\": 2", "device cuda:2 needs 3 GPUs, and gpus gives 2: leave it out")]
    [InlineData("\"strategy\": \"eager\"", "\"strategy\": \"device-map\", \"maxMemory\": \"cpu=1\u00a0GiB\"", "'cpu=1\\u00a0GiB' has characters that cannot be seen")]
    [InlineData("\"strategy\": \"eager\", \"device\": \"cpu\"", "\"strategy\": \"device-map\", \"device\": \"sim:1GiB,\\tcpu\"", "'sim:1GiB,\\u0009cpu' has characters that cannot be seen")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"sim:big\"", "unknown device 'sim:big': known are *")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"sim:1GiB,cpu\"", "'sim:1GiB,cpu' is for --strategy device-map: *")]
    [InlineData("\"strategy\": \"eager\"", "\"strategy\": \"device-map\", \"maxMemory\": \"cpu\"", "'cpu' is no limit: *")]
    [InlineData("\"strategy\": \"eager\"", "\"strategy\": \"device-map\", \"map\": \"evenly\"", "*/evenly: is no rule (auto, *), and no map that can be read: *")]
    [InlineData("\"expect\": \"loaded\"", "\"expect\": \"timeout\"", "unknown expect 'timeout': known are loaded, thrashed, killed, device-oom, refused")]
    [InlineData("\"checkpoint\": \"c\"", "\"checkpoint\": \"d\"", "unknown checkpoint 'd': known are c")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"sim:1GiB\", \"verify\": \"forward\"", "forward computes on the cpu, not on sim:1GiB")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"cpu\", \"verify\": \"forward\", \"heads\": 0", "heads must be at least 1")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"cpu\", \"verify\": \"digest\", \"heads\": 4", "heads is for a case with verify: forward, or use: forward")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"cpu\", \"resident\": \"1MiB\"", "resident is for a case with verify: forward, or use: forward")]
    [InlineData("\"device\": \"cpu\"", "\"device\": \"sim:1GiB\", \"passes\": 2, \"use\": \"forward\"", "forward computes on the cpu, not on sim:1GiB")]
    [InlineData("\"expect\": \"loaded\"", "\"expect\": \"thrashed\", \"passes\": 2", "thrashed means more than reread allows: it needs reread")]
    [InlineData("\"expect\": \"loaded\"", "\"expect\": \"killed\", \"passes\": 2, \"reread\": 0.05", "reread is never measured where expect is killed")]
    [InlineData("\"why\": \"w\"", "\"why\": \" \"", "why must not be empty")]
    [InlineData("\"expect\": \"loaded\"", "\"expect\": \"killed\", \"peakHost\": \"1MiB\"", "peakHost is never measured where expect is killed")]
    public void A_wrong_value_is_refused(string right, string wrong, string problem) =>
        Refusal(Document($$"""{ {{Case.Replace(right, wrong)}} }""")).Should().Match($"budgets.json:4: case 'a': {problem}");

    [Fact]
    public void Two_cases_of_one_name_are_refused() =>
        Refusal(Document($$"""
            { {{Case}} },
            { {{Case}} }
            """)).Should().Be("budgets.json:5: case 'a': line 4 has a case of the same name");

    [Fact]
    public void Two_cases_whose_names_results_write_alike_are_refused() =>
        Refusal(Document($$"""
            { {{Case.Replace("\"name\": \"a\"", "\"name\": \"a\u200b\"")}} },
            { {{Case.Replace("\"name\": \"a\"", "\"name\": \"a\\\\u200b\"")}} }
            """)).Should().Match("budgets.json:5: case 'a*u200b': line 4 has a case of the same name");

    [Fact]
    public void A_text_that_no_results_could_hold_is_refused() =>
        Refusal(Document($$"""{ {{Case.Replace("\"why\": \"w\"", $"\"why\": \"{new string('w', 65_537)}\"")}} }""")).Should().Be("budgets.json:4: case 'a': why must not have more than 65536 characters");

    [Fact]
    public void The_line_is_that_of_the_member() =>
        Refusal(Document($$"""
            { {{Case}},

              "peakAnonymous": "9GiB" }
            """)).Should().StartWith("budgets.json:6: case 'a'");

    [Theory]
    [InlineData("{}", "checkpoint 'c': needs either model or path")]
    [InlineData("""{ "model": "m", "path": "p" }""", "checkpoint 'c': needs either model or path")]
    [InlineData("""{ "path": "p", "seed": 1 }""", "checkpoint 'c': path stands alone: *")]
    [InlineData("""{ "model": "m", "format": "onnx" }""", "checkpoint 'c': unknown format 'onnx': known are pth, safetensors, sharded, per-tensor, dat")]
    [InlineData("""{ "model": "m", "dtype": "half" }""", "checkpoint 'c': unknown dtype 'half': *")]
    [InlineData("""{ "model": "m", "seed": "x" }""", "checkpoint 'c': seed must be a whole number from 0 on")]
    [InlineData("""{ "modle": "m" }""", "checkpoint 'c': unknown member 'modle': known are model, path, format, dtype, seed")]
    [InlineData("\"m\"", "checkpoint 'c': must be an object")]
    public void A_wrong_checkpoint_is_refused(string checkpoint, string problem) =>
        Refusal(Document($$"""{ {{Case}} }""", checkpoint)).Should().Match($"budgets.json:2: {problem}");

    [Theory]
    [InlineData("", "budgets.json:1: is not valid JSON: *")]
    [InlineData("{\n\"cases\": [,]\n}", "budgets.json:2: is not valid JSON: *")]
    [InlineData("{} {}", "budgets.json:1: is not valid JSON: *")]
    [InlineData("[]", "budgets.json:1: must be an object")]
    [InlineData("{}", "budgets.json:1: member 'checkpoints' is missing")]
    [InlineData("""{ "checkpoints": {}, "cases": [] }""", "budgets.json:1: cases must be a list that is not empty")]
    [InlineData("""{ "checkpoints": {}, "cases": [], "defaults": {} }""", "budgets.json:1: unknown member 'defaults': known are $schema, checkpoints, cases")]
    [InlineData("""{ "checkpoints": { "c": {}, "c": {} }, "cases": [] }""", "budgets.json:1: checkpoints: member 'c' stands there twice")]
    public void A_wrong_document_is_refused(string json, string message) => Refusal(json).Should().Match(message);

    [Fact]
    public void A_file_that_is_not_there_is_one_line() =>
        FluentActions.Invoking(() => BudgetFile.Read("nowhere/budgets.json")).Should().Throw<InputException>()
            .WithMessage("nowhere/budgets.json: there is no such file; name one with --budgets");

    private static BudgetFile Read(string json) => BudgetReader.Read("budgets.json", Encoding.UTF8.GetBytes(json));

    private static string Refusal(string json) => FluentActions.Invoking(() => Read(json)).Should().Throw<InputException>().Which.Message;

    private static string Document(string cases, string checkpoint = """{ "model": "gpt2-small" }""") => $$"""
        {
          "checkpoints": { "c": {{checkpoint}} },
          "cases": [
        {{cases}}
          ]
        }
        """;
}
